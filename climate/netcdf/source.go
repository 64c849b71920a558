package netcdf

// source is what reads an open file: our own reader of the classic formats, the
// C library, or a process of ours that has the library.
type source interface {
	// read fills into with a hyperslab of the variable that is at-th in the
	// order of content.walk, as it is stored, in the byte order of the machine.
	// Several goroutines may call it.
	read(at int, start, count []int, into []byte) error
	close() error
}

// content is what a file holds.
type content struct {
	format string
	root   Group
}

// walk calls visit with each variable and its path, those of a group before
// those of the groups in it.
func (c *content) walk(visit func(path string, v *Variable)) { walkGroup(&c.root, visit) }

func walkGroup(g *Group, visit func(path string, v *Variable)) {
	for i := range g.Variables {
		visit(join(g.Name, g.Variables[i].Name), &g.Variables[i])
	}
	for i := range g.Groups {
		walkGroup(&g.Groups[i], visit)
	}
}
