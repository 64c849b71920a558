// Package figure draws the pictures that work with biological sequences asks
// for: training curves, lengths and composition of generated sequences beside
// the training set, perplexities beside their baselines, the likelihood of each
// residue of one sequence, and how generated sequences relate to natural ones.
// It takes plain values and returns core figures, which save themselves as SVG,
// PNG and CSV.
package figure
