// Package rollout forecasts from the records of a source: for each of them and
// each lead time the fields that a model of package task makes, at once or from
// forecast to forecast, by one model or an ensemble. A Rollout is what
// verify.Evaluate scores, and what Write writes as CF-1.8.
//
// A model of a region gives forecasts on the rows and columns that hold it, cells
// between that it does not forecast being NaN. Names and the order of latitudes
// are those of the source.
package rollout
