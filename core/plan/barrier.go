package plan

// touch is a piece of memory that a step since the last barrier used.
type touch struct {
	slot  Slot
	write bool
}

// barriers marks the steps that must wait for the ones before them.
func barriers(p *Program) {
	var since []touch
	for i := range p.Steps {
		s := &p.Steps[i]
		var mine []touch
		for _, x := range s.In {
			mine = append(mine, touch{x, false})
		}
		for _, x := range s.Out {
			mine = append(mine, touch{x, true})
		}
		for _, a := range mine {
			for _, b := range since {
				if (a.write || b.write) && overlap(a.slot, b.slot) {
					s.Barrier = true
				}
			}
		}
		if s.Barrier {
			since = since[:0]
		}
		since = append(since, mine...)
	}
}

func overlap(a, b Slot) bool {
	if a.Region != b.Region {
		return false
	}
	if a.Region == Params || a.Region == States {
		return a.Name == b.Name
	}
	return a.Offset < b.Offset+b.Bytes() && b.Offset < a.Offset+a.Bytes()
}
