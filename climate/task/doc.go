// Package task trains a forecaster on stores of fields and runs it: what stands
// between fields in their units and package forecast, which knows only
// normalised numbers.
//
// A model is a directory: config.json and model.safetensors as package forecast
// writes them, and kiban.json, an [About], which says what its numbers are:
// channels with their units and how they are normalised, the grid, a region,
// lead times, and what is forecast: the fields, as published, their change, or
// their departure from the climatology of the years that it was trained on, or
// from damped persistence, which then lie beside it (see [Target]). [OpenModel]
// reads it; a [Forecaster] of it takes fields in their units and returns such. [Training]
// makes it.
//
// A downscaler is such a model, too: it makes of the fields of one store, brought
// bilinearly to the grid of another, those of the other at the same time (see
// [DescribeDownscaling]).
package task
