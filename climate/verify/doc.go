// Package verify holds forecasts against what came true: those of a file
// (OpenFiles), or of anything else that has Forecasts. Evaluate scores them
// beside persistence, damped persistence and the climatology, which are fitted
// on training years only and scored on the same cells at the same times.
//
// A Source is the truth, and what a model starts from: a store, or a series of
// files. Forecasts may be on a part of its grid; nothing is regridded here.
package verify
