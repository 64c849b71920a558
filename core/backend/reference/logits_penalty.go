package reference

import "github.com/kiban-models/kiban/core/plan"

// Operands: logits [B, V], tokens [B, L], pos [B], knobs. The logit of each
// token at places 0 to pos is divided by the penalty if positive and
// multiplied by it otherwise, once.
func logitsPenalty(_ plan.Step, in, out [][]float64) {
	logits, tokens, pos, penalty := in[0], in[1], in[2], in[3][0]
	batch := len(pos)
	vocab, length := len(logits)/batch, len(tokens)/batch
	for b := range batch {
		from, to := logits[b*vocab:][:vocab], out[0][b*vocab:][:vocab]
		copy(to, from)
		for i := range min(int(pos[b])+1, length) {
			id := int(tokens[b*length+i])
			if id < 0 || id >= vocab {
				continue
			}
			if to[id] = from[id] * penalty; from[id] > 0 {
				to[id] = from[id] / penalty
			}
		}
	}
}
