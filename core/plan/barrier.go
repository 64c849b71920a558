package plan

// groups numbers the items by the barriers that they need between them, whatever
// memory they use: a group ends before an item that reads what one of it makes,
// or replaces a parameter or state that one of it uses.
func (d *draft) groups() []int {
	of := make([]int, len(d.items))
	at := 0
	made, used := map[*value]int{}, map[*value]int{} // the last group that did
	for i, it := range d.items {
		for _, v := range it.in {
			if g, ok := made[v]; ok && g == at {
				at++
			}
		}
		for _, v := range it.out {
			if g, ok := used[v.over]; ok && g == at {
				at++
			}
		}
		of[i] = at
		for _, v := range it.in {
			used[v] = at
		}
		for _, v := range it.out {
			made[v] = at
			if v.over != nil {
				used[v.over] = at
			}
		}
	}
	return of
}

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
