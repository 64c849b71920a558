package cpu

// #include <string.h>
// #include "kernel.h"
import "C"

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Products of few rows read a weight matrix once, from memory, and that is
// fastest in order: [N, K], column after column of the product. So a matrix
// [K, N] that a program multiplies few rows by is turned when the program is
// loaded, if all programs use it as the second matrix of products and nowhere
// else, and turned back when one is loaded that does. Put and Get see [K, N].

// matrix is the weight that a step multiplies by, "" if it is none.
func matrix(s plan.Step) (name string, at graph.MatMulAttr) {
	if s.Kernel == "matmul" && s.In[1].Region == plan.Params {
		at = s.Attr.(graph.MatMulAttr)
		if s.In[1].Len() == at.N*at.K {
			return s.In[1].Name, at
		}
	}
	return "", at
}

// arrange turns the parameters of a program that is about to be loaded, and
// counts it among those that need them as they are.
func (b *Backend) arrange(p *plan.Program) error {
	plain, few := uses(p)
	var change []*variable
	var largest int64
	for _, n := range p.Params {
		v := b.named[n.Name]
		turn := few[n.Name] && !plain[n.Name] && v.plain == 0 && !v.turned
		back := plain[n.Name] && v.turned
		if turn || back {
			change, largest = append(change, v), max(largest, v.size())
		}
	}
	if len(change) > 0 {
		// One block for all: memory that is fresh costs more than the turning.
		room, err := allocate(largest)
		if err != nil {
			return fmt.Errorf("cpu: turning weights: %w", err)
		}
		defer room.free()
		for _, v := range change {
			v.turn(b.machine, room)
		}
	}
	for n := range plain {
		b.named[n].plain++
	}
	if len(change) > 0 {
		for r := range b.runners {
			r.resolve()
		}
	}
	return nil
}

// uses tells which parameters a program needs as they are, and which it
// multiplies few rows by.
func uses(p *plan.Program) (plain, fewRows map[string]bool) {
	plain, fewRows = map[string]bool{}, map[string]bool{}
	for _, s := range p.Steps {
		weight, at := matrix(s)
		for i, x := range s.In {
			if x.Region == plan.Params && (weight == "" || i != 1) {
				plain[x.Name] = true
			}
		}
		for _, x := range s.Out {
			if x.Region == plan.Params {
				plain[x.Name] = true
			}
		}
		if weight != "" && at.M < few && !at.TransB {
			fewRows[weight] = true
		}
	}
	return plain, fewRows
}

// turn changes a matrix from rows to columns, or back, by way of other memory.
func (v *variable) turn(m *C.kb_machine, room block) {
	v.copyTurned(m, room, v.block, v.turned)
	C.memcpy(v.block.p, room.p, C.size_t(v.size()))
	v.turned = !v.turned
}

func (v *variable) copyTurned(m *C.kb_machine, to, from block, back bool) {
	rows, cols := v.shape[0], v.shape[1]
	if back {
		rows, cols = cols, rows
	}
	C.kb_turn(m, to.p, from.p, C.int64_t(rows), C.int64_t(cols), C.int64_t(v.dtype.Size()))
}

// read calls f with a value as programs declare it.
func (v *variable) read(m *C.kb_machine, f func(data []byte) error) error {
	if !v.turned {
		return f(v.block.bytes(v.size()))
	}
	given, err := allocate(v.size())
	if err != nil {
		return err
	}
	defer given.free()
	v.copyTurned(m, given, v.block, true)
	return f(given.bytes(v.size()))
}

// write gives a value what f writes as programs declare it; an error of f
// changes nothing.
func (v *variable) write(m *C.kb_machine, f func(data []byte) error) error {
	if !v.turned {
		return f(v.block.bytes(v.size()))
	}
	given, err := allocate(v.size())
	if err != nil {
		return err
	}
	defer given.free()
	if err := f(given.bytes(v.size())); err != nil {
		return err
	}
	v.copyTurned(m, v.block, given, false)
	return nil
}
