package metric

import (
	"fmt"
	"math"
	"slices"
)

// Confusion counts what classes were taken for.
type Confusion struct {
	Labels []string
	// Counts[i][j] is how often class i was taken for class j.
	Counts [][]int
}

// NewConfusion returns the counts of no examples.
func NewConfusion(labels []string) *Confusion {
	c := &Confusion{Labels: labels, Counts: make([][]int, len(labels))}
	for i := range c.Counts {
		c.Counts[i] = make([]int, len(labels))
	}
	return c
}

// Add counts an example. A class that is none of the labels is an error.
func (c *Confusion) Add(gold, found int) error {
	if n := len(c.Labels); gold < 0 || gold >= n || found < 0 || found >= n {
		return fmt.Errorf("metric: classes %d and %d of %d", gold, found, n)
	}
	c.Counts[gold][found]++
	return nil
}

// Total returns the number of examples.
func (c *Confusion) Total() int {
	n := 0
	for _, row := range c.Counts {
		for _, v := range row {
			n += v
		}
	}
	return n
}

// Accuracy is the share of examples that were taken for what they are.
func (c *Confusion) Accuracy() float64 {
	right := 0
	for i := range c.Counts {
		right += c.Counts[i][i]
	}
	return share(right, c.Total())
}

// Class counts one class against the others.
func (c *Confusion) Class(i int) Counts {
	n := Counts{Correct: c.Counts[i][i]}
	for j := range c.Counts {
		n.Gold += c.Counts[i][j]
		n.Found += c.Counts[j][i]
	}
	return n
}

// MacroF1 is the mean of the F1 of the classes that occur, as gold or as found:
// what scikit-learn's f1_score(average="macro") is.
func (c *Confusion) MacroF1() float64 {
	sum, n := 0.0, 0
	for i := range c.Labels {
		if x := c.Class(i); x.Gold+x.Found > 0 {
			sum += x.F1()
			n++
		}
	}
	return sum / float64(max(1, n))
}

// MicroF1 counts all classes but those of without together: the F1 of telling
// related pairs, say, with "None" left out. With nothing left out it is the
// accuracy.
func (c *Confusion) MicroF1(without ...string) float64 {
	var all Counts
	for i, l := range c.Labels {
		if !slices.Contains(without, l) {
			all.add(c.Class(i))
		}
	}
	return all.F1()
}

// Majority is the accuracy of always saying the class that occurs most often.
func (c *Confusion) Majority() float64 {
	most := 0
	for i := range c.Labels {
		most = max(most, c.Class(i).Gold)
	}
	return share(most, c.Total())
}

// Calibration compares how sure a model was with how often it was right
// (Guo et al. 2017, arXiv:1706.04599). The zero value has ten bins of
// confidence, of equal width.
type Calibration struct {
	bins  [10]bin
	brier float64
}

type bin struct {
	n, right int
	sum      float64
}

// Add takes one answer: the probability that was given to it, 0 to 1, and
// whether it was right.
func (c *Calibration) Add(confidence float64, right bool) {
	b := &c.bins[min(len(c.bins)-1, max(0, int(confidence*float64(len(c.bins)))))]
	b.n++
	b.sum += confidence
	hit := 0.0
	if right {
		b.right++
		hit = 1
	}
	c.brier += (confidence - hit) * (confidence - hit)
}

// Bin is one bin of confidence.
type Bin struct {
	Low, High  float64 // of confidence
	N          int
	Confidence float64 // mean
	Accuracy   float64
}

// Bins returns the bins that are not empty.
func (c *Calibration) Bins() []Bin {
	var out []Bin
	for i, b := range c.bins {
		if b.n > 0 {
			w := 1 / float64(len(c.bins))
			out = append(out, Bin{float64(i) * w, float64(i+1) * w, b.n, b.sum / float64(b.n), share(b.right, b.n)})
		}
	}
	return out
}

// N returns the number of answers.
func (c *Calibration) N() int {
	n := 0
	for _, b := range c.bins {
		n += b.n
	}
	return n
}

// Error is the expected calibration error: the mean over all answers of the
// distance between confidence and accuracy of their bin.
func (c *Calibration) Error() float64 {
	sum := 0.0
	for _, b := range c.Bins() {
		sum += float64(b.N) * math.Abs(b.Confidence-b.Accuracy)
	}
	return sum / float64(max(1, c.N()))
}

// Brier is the mean squared distance between confidence and being right.
func (c *Calibration) Brier() float64 { return c.brier / float64(max(1, c.N())) }
