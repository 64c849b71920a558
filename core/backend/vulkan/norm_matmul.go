package vulkan

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// normMatMulBindings is the number of storage buffers of norm_matmul.
const normMatMulBindings = 12

// besideNormed is the bytes of shared memory that norm_matmul takes besides the
// normed rows, at most: its sums, of 8 rows, columns of 8 and subgroups; those of
// the norm; and what fills up each row.
const besideNormed = 8*8*8*2*16 + 1<<10

func lowerNormMatMul(s plan.Step, f *features) ([]dispatch, error) {
	at := s.Attr.(graph.NormMatMulAttr)
	rest := s.In[3:]
	caches := rest[:len(at.Caches)]
	rest = rest[len(caches):]
	pos := s.In[0] // not read
	if len(caches) > 0 {
		pos, rest = rest[0], rest[1:]
	}
	p, err := newProduct(at.MatMul, append([]plan.Slot{s.In[0]}, rest...), s.Out[:1])
	if err != nil {
		return nil, err
	}
	if err := indexable(caches...); err != nil {
		return nil, err
	}
	most, bytes := f.joins()
	if p.m > most || p.a.Bytes() > bytes || len(caches) > graph.MaxJoinedCaches {
		return nil, fmt.Errorf("%d rows of %d with %d caches, where the device joins at most %d rows of %d bytes in all with %d; compile for the limits of the backend",
			p.m, p.k, len(caches), most, bytes, graph.MaxJoinedCaches)
	}
	pieces := 2 * ceil(p.k, 8) // of 16 bytes, of a row
	if p.a.DType.Size() == 2 {
		pieces = ceil(p.k, 8)
	}
	perRow := vecSubgroups / p.powerOfRows() * int(f.SubgroupSize) // invocations
	c := p.vecChoice("norm_matmul", f, func(d *dispatch) {
		d.spec = append(d.spec, uint32(ceil(pieces, perRow)), uint32(p.m*pieces), uint32(len(caches)))
		d.bind = append(d.bind, s.In[1], s.In[2], pos, p.out, p.out) // without caches the result, which is not written as one
		d.push = append(d.push, word(at.Norm.Eps), 1, 0, 0, 0, 0, 0, 0)
		for i, c := range at.Caches {
			d.bind[10+i] = caches[i]
			d.push[4] = uint32(c.Len)
			copy(d.push[5+3*i:], []uint32{uint32(c.CacheLen), uint32(c.Offset), uint32(c.Width)})
		}
	})
	for _, to := range at.Caches {
		c.key += fmt.Sprintf(", cache %+v", to)
	}
	if len(caches) > 0 {
		c.out, c.zeros = append(c.out, caches...), []plan.Slot{pos} // others are no places of a cache
	}
	return f.fastest(c), nil
}
