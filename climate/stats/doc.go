// Package stats finds what fields are normalised with: the mean and the standard
// deviation of each variable at each level, over all cells and times, unweighted
// by area as ClimaX has them. A [Collector] takes fields as they stream by, in
// bounded memory; its [Table] lies beside the model as JSON.
package stats
