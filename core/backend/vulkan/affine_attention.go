package vulkan

import (
	"fmt"

	"github.com/kiban-models/kiban/core/graph"
	"github.com/kiban-models/kiban/core/plan"
)

// affine makes the dispatches of a step of affine attention, one after the
// other. An invocation makes one element, or one of each row's three.
type affine struct {
	at   graph.AffineAttentionAttr
	slot plan.Slot // x, for its type
	f    *features
	all  []dispatch
	err  error
}

func (a *affine) add(shader string, n int, bind ...plan.Slot) {
	t, err := typeOf(a.slot.DType)
	if err == nil && a.err == nil {
		var d []dispatch
		push := []uint32{uint32(a.at.Rows), uint32(a.at.Tokens), uint32(a.at.Numbers), uint32(a.at.Heads), uint32(a.at.Width), word(a.at.Scale)}
		if d, err = each(shader, n, 1, []uint32{t}, push, bind, a.f); err == nil {
			d[0].wait = len(a.all) > 0
			a.all = append(a.all, d...)
		}
	}
	if a.err == nil {
		a.err = err
	}
}

func lowerAffineAttention(s plan.Step, f *features) ([]dispatch, error) {
	a := affine{at: s.Attr.(graph.AffineAttentionAttr), slot: s.In[0], f: f}
	x, w, c, q, y, p, scores := s.In[0], s.In[1], s.In[2], s.In[3], s.Out[0], s.Out[1], s.Out[2]
	a.add("affine_attention.scores", scores.Len(), w, c, q, scores)
	a.add("affine_attention.weights", a.at.Rows*a.at.Heads, x, scores, p)
	a.add("affine_attention", y.Len(), x, w, c, p, y)
	return a.all, a.err
}

func lowerAffineAttentionGrad(s plan.Step, f *features) ([]dispatch, error) {
	a := affine{at: s.Attr.(graph.AffineAttentionAttr), slot: s.In[1], f: f}
	// Debian 12's lavapipe ends all loops of an invocation, silently, after
	// 65535 turns together.
	if turns := max(a.at.Rows, a.at.Tokens*(a.at.Numbers+1)*(a.at.Width+1)); f.software() && turns > 60000 {
		return nil, fmt.Errorf("%d places, %d tokens of %d numbers are too many for a Vulkan driver that computes on the CPU: use the cpu backend",
			a.at.Rows, a.at.Tokens, a.at.Numbers)
	}
	d, x, w, c, q, p, scores := s.In[0], s.In[1], s.In[2], s.In[3], s.In[4], s.In[5], s.In[6]
	dw, dc, dq, ds, dscores := s.Out[0], s.Out[1], s.Out[2], s.Out[3], s.Out[4]
	a.add("affine_attention_grad.scores", a.at.Rows*a.at.Heads, d, x, w, c, p, ds)
	a.add("affine_attention_grad.table", a.at.Tokens*(a.at.Numbers+1)*a.at.Heads*a.at.Width, d, x, q, p, ds, dw, dc, dscores)
	a.add("affine_attention_grad.query", a.at.Heads*a.at.Width, w, c, dscores, dq)
	if a.at.NeedX {
		a.add("affine_attention_grad.x", x.Len(), d, w, c, p, ds, scores, s.Out[5])
	}
	return a.all, a.err
}
