package figure

import (
	"fmt"
	"math"
	"slices"

	"github.com/kiban-models/kiban/core/figure"
)

// Lengths draws the lengths (residues) of generated sequences and of others,
// such as "training", as densities over common bins. The longest hundredth of
// both is left out and counted, so that one giant does not flatten the rest.
func Lengths(generated, others []int, name string) (*figure.Figure, error) {
	limit := max(percentile99(generated), percentile99(others))
	shown := func(v []int) (out []float64, longer int) {
		for _, x := range v {
			if x <= limit {
				out = append(out, float64(x))
			} else {
				longer++
			}
		}
		return out, longer
	}
	g, gLonger := shown(generated)
	t, tLonger := shown(others)
	o := figure.Options{Title: "Sequence length", XLabel: "Length (residues)"}
	if gLonger+tLonger > 0 {
		o.Subtitle = fmt.Sprintf("longer than %d and not drawn: %d generated, %d %s", limit, gLonger, tLonger, name)
	}
	return figure.Histogram([]figure.Sample{{Name: "generated", Values: g}, {Name: name, Values: t}}, 0, o)
}

// percentile99 is the length that 99 of 100 sequences do not exceed.
func percentile99(v []int) int {
	if len(v) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(v))
	return sorted[(len(sorted)-1)*99/100]
}

// aminoAcids is the order of bars: hydrophobic, polar, special, basic, acidic,
// so that a shift of chemistry shows as neighbouring bars.
const aminoAcids = "AVLIMFWYSTNQCGPKRHDE"

// Composition draws, for each of the 20 amino acids, the base-2 logarithm of
// its share among generated residues over its share in others, such as
// "training": 0 is equal, 1 twice as frequent. Counts are by one-letter code; letters outside the 20
// count towards neither total. An amino acid that one side lacks has no bar,
// and the subtitle names it.
func Composition(generated, others map[byte]int, name string) (*figure.Figure, error) {
	total := func(m map[byte]int) (n int) {
		for i := range len(aminoAcids) {
			n += m[aminoAcids[i]]
		}
		return n
	}
	ng, nt := total(generated), total(others)
	if ng == 0 || nt == 0 {
		return nil, fmt.Errorf("bio figure: composition: %d generated and %d %s residues among the 20 amino acids, wanted some of each", ng, nt, name)
	}
	var names []string
	var ratio []float64
	var missing []byte
	for i := range len(aminoAcids) {
		a := aminoAcids[i]
		r := math.NaN()
		if generated[a] > 0 && others[a] > 0 {
			r = math.Log2(float64(generated[a]) / float64(ng) * float64(nt) / float64(others[a]))
		} else {
			missing = append(missing, a)
		}
		names, ratio = append(names, string(a)), append(ratio, r)
	}
	sub := fmt.Sprintf("generated n = %s, %s n = %s residues", thousands(ng), name, thousands(nt))
	if len(missing) > 0 {
		sub += "; absent in one set: " + string(missing)
	}
	return figure.Bars(names, ratio, figure.Options{
		Title: "Composition of generated sequences", Subtitle: sub,
		XLabel: "Amino acid", YLabel: "log2 (generated / " + name + ")"})
}

// PerplexityRanking draws the perplexities of sequences from lowest to highest
// on a logarithmic axis beside baselines such as uniform and unigram.
func PerplexityRanking(values []float64, baselines ...figure.Baseline) (*figure.Figure, error) {
	n := len(slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return !finite(v) }))
	return figure.Ranking(values, figure.Options{
		Title: "Perplexity by rank", Subtitle: fmt.Sprintf("n = %s sequences", thousands(n)),
		XLabel: "Rank (lowest first)", YLabel: "Perplexity", LogY: true, Baselines: baselines})
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
