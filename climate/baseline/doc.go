// Package baseline forecasts without a model: persistence, the climatology, and
// persistence damped towards it. A model that does not beat them has learnt
// nothing. [Fit] sees training records only.
package baseline
