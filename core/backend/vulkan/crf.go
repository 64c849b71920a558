package vulkan

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

func lowerCRF(s plan.Step, f *features) ([]dispatch, error) {
	d, err := bySequence("crf", s, operands(s), f)
	return []dispatch{d}, err
}

// lowerCRFGrad sums over the places of each sequence, then over sequences.
func lowerCRFGrad(s plan.Step, f *features) ([]dispatch, error) {
	at := s.Attr.(graph.CRFAttr)
	sums := s.Out[4]
	d, err := bySequence("crf_grad", s, append(s.In[:7:7], s.Out[0], sums), f)
	if err != nil {
		return nil, err
	}
	n := at.Labels * (at.Labels + 2)
	return []dispatch{d, {
		shader: "crf_grad.sum", push: []uint32{uint32(at.Batch), uint32(at.Labels)},
		bind:   []plan.Slot{sums, s.Out[1], s.Out[2], s.Out[3]},
		groups: [3]uint32{uint32(ceil(n, 128)), 1, 1}, wait: true,
	}}, nil
}

// bySequence launches a kernel with a workgroup for every sequence and an
// invocation for every label, or for several.
func bySequence(shader string, s plan.Step, bind []plan.Slot, f *features) (dispatch, error) {
	at := s.Attr.(graph.CRFAttr)
	quads := ceil(at.Labels, 4)
	if int64(4*4*4*quads) > f.shared {
		return dispatch{}, fmt.Errorf("%d labels need more shared memory than the %d bytes of the device", at.Labels, f.shared)
	}
	if at.Batch > int(f.groups[0]) {
		return dispatch{}, fmt.Errorf("%d sequences, more than the device has workgroups: use a smaller batch", at.Batch)
	}
	lanes := int(largest(min(f.invocations, 256, max(32, 2*at.Labels-1))))
	// Debian 12's lavapipe ends all loops of an invocation, silently, after
	// 65535 turns together.
	if turns := at.Len * (3 + quads*(3+2*ceil(at.Labels, lanes))); f.software() && turns > 65535 {
		return dispatch{}, fmt.Errorf("%d labels at %d places are too many for a Vulkan driver that computes on the CPU: use the cpu backend", at.Labels, at.Len)
	}
	return dispatch{
		shader: shader, spec: []uint32{uint32(lanes), uint32(at.Labels)}, push: []uint32{uint32(at.Len)},
		bind: bind, groups: [3]uint32{uint32(at.Batch), 1, 1},
	}, indexable(bind...)
}
