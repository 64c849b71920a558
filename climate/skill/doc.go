// Package skill says how good forecasts are: RMSE, MAE, bias and anomaly
// correlation (ACC), and of ensembles CRPS and spread, by variable, level, region
// and lead time. A [Board] takes fields as they stream by, in bounded memory, and
// gives a table; WriteCSV writes it in long form.
//
// Cells count by their area. Where the forecast or the truth is missing (NaN), the
// others of the region share the weight; a time with no valid cell does not count.
// What models must beat is in climate/baseline.
package skill
