package reference

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Operands: cache [B, CacheLen, Width], source [B*Len, C], pos [B]; the output
// is the cache. Rows outside it are dropped.
func cacheWrite(s plan.Step, in, out [][]float64) {
	at := s.Attr.(graph.CacheWriteAttr)
	src, pos, cache := in[1], in[2], out[0]
	c := len(src) / (at.Batch * at.Len)
	for b := range at.Batch {
		for t := range at.Len {
			if to := int(pos[b]) + t; to >= 0 && to < at.CacheLen {
				copy(cache[(b*at.CacheLen+to)*at.Width:][:at.Width], src[(b*at.Len+t)*c+at.Offset:])
			}
		}
	}
}
