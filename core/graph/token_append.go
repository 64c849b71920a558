package graph

import "github.com/kiban-models/kiban/core/tensor"

// TokenAppendAttr holds the id that ends a sequence, negative for none, and
// the shape [Batch, Len] of the sequences.
type TokenAppendAttr struct {
	EOS        int32
	Batch, Len int
}

// TokenAppend adds one token to each sequence of a decode loop, on the device.
// The states are tokens i32 [B, L], pos i32 [B] (the place of the last token),
// done i32 [B], and current i32 [B] (the last token). For a row that is not
// done: pos advances by one; the token there becomes forced[b, pos] if that is
// not negative, else next[b]; the row is done when the token is EOS and was
// not forced, or when pos has reached limit[b] or the last place. It returns
// tokens, pos and done, after the step.
func TokenAppend(tokens, pos, done, current, next, forced, limit *Node, eos int32) (allTokens, newPos, isDone *Node) {
	g := tokens.g
	bad := func(format string, args ...any) (t, p, d *Node) {
		return g.bad(tensor.I32, tokens.shape, format, args...), pos, done
	}
	if len(tokens.shape) != 2 || tokens.Len() != forced.Len() {
		return bad("token_append: tokens %v with forced %v", tokens, forced)
	}
	at := TokenAppendAttr{eos, tokens.shape[0], tokens.shape[1]}
	in := []*Node{tokens, pos, done, current, next, forced, limit}
	for i, x := range in {
		if x.dtype != tensor.I32 || (i != 0 && i != 5 && x.Len() != at.Batch) {
			return bad("token_append: operand %d is %v, wanted i32[%d]", i, x, at.Batch)
		}
	}
	n := g.op("token_append", at, tensor.I32, tokens.shape, in...)
	g.Store(tokens, n)
	newPos, isDone = g.part(n, tensor.I32, pos.shape...), g.part(n, tensor.I32, done.shape...)
	g.Store(pos, newPos)
	g.Store(done, isDone)
	g.Store(current, g.part(n, tensor.I32, current.shape...))
	return n, newPos, isDone
}
