package reference

import (
	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// Operands: tokens [B, L], pos, done, current, next [B], forced [B, L], limit
// [B]; outputs: tokens, pos, done, current, over the operands. Rows that are
// done stay as they are.
func tokenAppend(s plan.Step, in, out [][]float64) {
	at := s.Attr.(graph.TokenAppendAttr)
	next, forced, limit := in[4], in[5], in[6]
	tokens, pos, done, current := out[0], out[1], out[2], out[3]
	for b := range at.Batch {
		if done[b] != 0 {
			continue
		}
		place := int(pos[b]) + 1
		if place < 0 || place >= at.Len { // there is no room
			done[b] = 1
			continue
		}
		token := next[b]
		isForced := forced[b*at.Len+place] >= 0
		if isForced {
			token = forced[b*at.Len+place]
		}
		tokens[b*at.Len+place], pos[b], current[b] = token, float64(place), token
		ended := at.EOS >= 0 && token == float64(at.EOS) && !isForced
		if ended || place >= int(limit[b]) || place == at.Len-1 {
			done[b] = 1
		}
	}
}
