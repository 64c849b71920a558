package reference

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// out[n] = table[ids[n]], times its scale if Scaled, or zeros if there is no such
// row.
func embed(s plan.Step, in, out [][]float64) {
	table, ids := in[0], in[1]
	at := s.Attr.(graph.EmbedAttr)
	c := len(out[0]) / len(ids)
	clear(out[0])
	for n, v := range ids {
		id := int(v)
		if id < 0 || id >= at.Rows {
			continue
		}
		row := out[0][n*c:][:c]
		copy(row, table[id*c:][:c])
		if at.Scaled {
			for j := range row {
				row[j] *= in[2][id]
			}
		}
	}
}

// out[v] = Σ d[n] over the n whose id is v.
func embedGradTable(s plan.Step, in, out [][]float64) {
	d, ids := in[0], in[1]
	rows, c := s.Attr.(graph.EmbedAttr).Rows, len(d)/len(ids)
	clear(out[0])
	for n, v := range ids {
		id := int(v)
		if id < 0 || id >= rows {
			continue
		}
		row := out[0][id*c:][:c]
		for j, x := range d[n*c:][:c] {
			row[j] += x
		}
	}
}
