package vulkan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kiban-models/kiban/core/plan"
)

// choice is a computation that can be cut in several ways of the same bits: they
// leave alone in which order every sum is added up. So the way is a matter of time
// only, and may be measured.
type choice struct {
	shader string      // that all ways use
	key    string      // what is computed, as far as it may matter to the time
	ways   []way       // the first is that of the rules
	out    []plan.Slot // the results, whether it has them all or not
	zeros  []plan.Slot // operands that are zeros while it is measured
}

// way is one of them.
type way struct {
	name  string
	lower func() []dispatch
}

// mostWays bounds the ways of a choice: a driver compiles a shader for each, which
// takes tens of milliseconds.
const mostWays = 8

// fastest lowers a choice, by the way that was measured to be the fastest or else by
// that of the rules.
func (f *features) fastest(c choice) []dispatch { return c.ways[f.tuner.pick(c)].lower() }

// add adds a way unless there are enough, or one of the name.
func (c *choice) add(name string, lower func() []dispatch) {
	for _, w := range c.ways {
		if w.name == name {
			return
		}
	}
	if len(c.ways) < mostWays {
		c.ways = append(c.ways, way{name, lower})
	}
}

// choice begins the choice of a product.
func (p product) choice(shader string) choice {
	c := choice{shader: shader, out: []plan.Slot{p.out}}
	if p.pre != nil {
		c.out = append(c.out, *p.pre)
	}
	c.key = words(fmt.Sprintf("%dx%dx%d", p.m, p.n, p.k), fmt.Sprintf("%v %v %v", p.a.DType, p.b.DType, p.out.DType),
		when(p.transA, "a turned"), when(p.transB, "b turned"), when(p.scale != nil, "scale"), when(p.bias != nil, "bias"),
		when(p.act != 0, fmt.Sprintf("activation %d", p.act)), when(p.pre != nil, "pre"), when(p.residual != nil, "residual"),
		when(p.accumulate, "accumulate"))
	return c
}

// words joins those that are not empty.
func words(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), ", ")
}

// when is a word that is there under a condition.
func when(there bool, word string) string {
	if there {
		return word
	}
	return ""
}

// sums says where the parts of k, and all of it, end. An element is the sum of its
// products in the order of k, a cooperative matrix of them at a time, in each part;
// rows, columns and whose they are do not come into it.
func (t coopTile) sums(k int) [2]int {
	pieces := ceil(k, t.depth)
	return [2]int{ceil(pieces, t.parts) * t.depth, pieces * t.depth}
}

// coopChoice is how a product may be cut for cooperative matrices: the rules' tile,
// and those about it that sum alike, in as many parts.
func (p product) coopChoice(f *features) choice {
	rule := p.coopTile(f)
	in, _ := typeOf(p.a.DType)
	c := p.choice("matmul.coop." + p.a.DType.String())
	if rule.parts > 1 {
		c.key += fmt.Sprintf(", %d parts", rule.parts)
	}
	for _, by := range []struct {
		rows, cols, depth float64 // of the rules'
		own               [2]int
	}{
		{1, 1, 1, rule.own}, {1, 1, 1, [2]int{4, 2}}, {1, 2, 1, rule.own}, {2, 1, 1, rule.own}, {1, 1, 0.5, rule.own}, {1, 1, 2, rule.own},
		{1, 0.5, 1, rule.own}, {0.5, 0.5, 1, rule.own}, {1, 1, 1, [2]int{2, 4}}, {1, 2, 0.5, rule.own}, {0.5, 1, 1, rule.own},
		{1, 1, 1, [2]int{2, 2}}, {0.5, 0.5, 2, rule.own},
	} {
		t := rule
		t.rows, t.cols, t.depth = int(by.rows*float64(t.rows)), int(by.cols*float64(t.cols)), int(by.depth*float64(t.depth))
		t.own = by.own
		if t != rule && (min(t.rows, t.cols) < 32 || t.depth < 16 || t.sums(p.k) != rule.sums(p.k) || !p.fits(t, f)) {
			continue
		}
		gm, gn := f.coop[in].grid(t)
		c.add(fmt.Sprintf("%dx%d tile, %d deep, %dx%d subgroups", t.rows, t.cols, t.depth, gm, gn),
			func() []dispatch { return p.coopDispatches(t, f) })
	}
	return c
}

// sharedChoice is the tiles of the shared variant, which all go along k one by one.
func (p product) sharedChoice() choice {
	c := p.choice("matmul.shared")
	tiles := [][2]int{{1, 1}, {2, 1}, {1, 2}, {2, 2}}
	if ceil(p.m, 128)*ceil(p.n, 128) >= wideTiles {
		tiles = [][2]int{{2, 2}, {2, 1}, {1, 2}, {1, 1}}
	}
	for _, t := range tiles {
		c.add(fmt.Sprintf("%dx%d tile", 64*t[0], 64*t[1]), func() []dispatch { return []dispatch{p.shared(t[0], t[1])} })
	}
	return c
}

// vecChoice is how many columns a subgroup has of a product of few rows, by a shader
// of include/matmul_vec.glsl. Where b lies row by row the columns beside one another
// decide how k is shared out, and there is one way. more completes the dispatch.
func (p product) vecChoice(shader string, f *features, more ...func(*dispatch)) choice {
	c := p.choice(shader)
	_, _, cols := p.vecCut(f)
	all := []int{cols}
	if p.transB {
		all = append(all, 1, 2, 4, 8)
	}
	for _, n := range all {
		c.add(fmt.Sprintf("%d columns", n), func() []dispatch {
			d := p.vecOf(shader, n, f)
			for _, complete := range more {
				complete(&d)
			}
			return []dispatch{d}
		})
	}
	return c
}

// coopChoice is how a kernel of attention may be cut for cooperative matrices. In the
// gradients every sum goes along the others in order, whatever the tiles. The result's
// softmax goes by tiles of cols, and as many invocations as own leaves a row add up
// its weights: there only the subgroups may be more or fewer.
func (a *attention) coopChoice(shader string, bind []plan.Slot, n, heads int, rule attentionTile, spec ...uint32) choice {
	c := choice{shader: shader + ".coop." + a.q.DType.String(), out: a.out}
	at := a.AttentionAttr
	c.key = words(fmt.Sprintf("%d of %dx%d", at.Batch, at.QueryLen, at.KeyLen), fmt.Sprintf("%d and %d heads of %d", at.Heads, at.KVHeads, at.Width),
		fmt.Sprintf("q %v of %d", at.Q, a.qc), fmt.Sprintf("k %v of %d", at.K, a.kc), fmt.Sprintf("v %v of %d", at.V, a.vc),
		when(at.Causal, "causal"), when(at.HasStart, "start"), when(at.HasKeys, "keys"), when(at.Places > 0, fmt.Sprintf("%d places", at.Places)),
		when(at.Dropout > 0, "dropout"), when(len(spec) > 0, fmt.Sprint(spec)))
	if at.HasStart {
		c.zeros = []plan.Slot{a.start} // others let every query see all keys
	}
	for _, by := range []attentionTile{ // of the rules', in quarters
		{4, 4, 4}, {8, 4, 4}, {2, 4, 4}, {4, 8, 4}, {4, 2, 4}, {4, 4, 8}, {4, 4, 2}, {2, 8, 4}, {8, 2, 4}, {1, 4, 4},
	} {
		t := attentionTile{rule.subgroups * by.subgroups / 4, rule.own * by.own / 4, rule.cols * by.cols / 4}
		if !a.fits(t, shader) || shader == "attention" && (t.own != rule.own || t.cols != rule.cols) {
			continue
		}
		c.add(fmt.Sprintf("%d subgroups, %d own, %d columns", t.subgroups, t.own, t.cols),
			func() []dispatch { return []dispatch{a.coop(shader, bind, n, heads, t, spec...)} })
	}
	return c
}
