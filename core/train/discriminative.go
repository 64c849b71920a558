package train

import "math"

// ULMFiT's factor between the learning rates of neighbouring layers (Howard &
// Ruder 2018, arXiv:1801.06146, section 3.2).
const LayerFactor = 2.6

// LayerRates returns an LRScale of discriminative rates: the layer top has the
// whole rate, and each one below the rate of the one above divided by factor.
// layer gives a parameter's layer; those above top have the whole rate too.
func LayerRates(layer func(name string) int, top int, factor float64) func(name string) float64 {
	return func(name string) float64 {
		return math.Pow(factor, -float64(max(0, top-layer(name))))
	}
}

// OwnRate returns scale, which may be nil for 1, but ratio for those that is
// says: a head whose rate is ratio times that of the body.
func OwnRate(scale func(name string) float64, is func(name string) bool, ratio float64) func(name string) float64 {
	return func(name string) float64 {
		switch {
		case is(name):
			return ratio
		case scale == nil:
			return 1
		}
		return scale(name)
	}
}

// Unfreezing returns an Options.Begin of gradual unfreezing (Howard & Ruder
// 2018, section 3.3): the layer top and those above it train from the start, and
// after every so many steps, an epoch's, the next one below.
func Unfreezing(layer func(name string) int, top, every int) func(name string) int {
	return func(name string) int { return every * max(0, top-layer(name)) }
}
