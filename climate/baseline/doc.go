// Package baseline forecasts without a model: persistence, the climatology, and
// persistence damped towards it. A model that does not beat them has learnt
// nothing. Of downscaling it is interpolation, without and with the mean departure
// of the month. [Fit] and [FitCorrected] see training records only.
package baseline
