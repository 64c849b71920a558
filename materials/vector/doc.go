// Package vector makes vectors of texts by an encoder and writes them to files:
// NumPy's .npy, Parquet, and lines of JSON.
package vector
