package vulkan

import "github.com/kiban-models/kiban/core/plan"

// temporary is the region of what the dispatches of a step leave for one
// another, which the plan does not know. Offsets count from where the step's
// memory begins.
const temporary plan.Region = 255

// temporaries places such memory. What begins after a barrier may take all of
// it again; without one, earlier dispatches may still be at work in theirs.
type temporaries struct {
	base, next int64
	size       int64 // of all
}

// place moves the operands of a dispatch to their memory. waits says that a
// barrier precedes it.
func (t *temporaries) place(d *dispatch, waits bool, align int64) {
	if d.temporary > 0 {
		t.base = t.next
		if waits {
			t.base = 0
		}
		t.next = up(t.base+d.temporary, align)
		t.size = max(t.size, t.next)
	}
	for i := range d.bind {
		if d.bind[i].Region == temporary {
			d.bind[i].Offset += t.base
		}
	}
}
