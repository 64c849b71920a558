// Package dataset stores tokens on disk and hands them out for training and
// scoring.
//
// A data set is a directory: manifest.json, and shards of token ids
// (tokens-00000.bin, uint16 or uint32, little-endian) each with an index of
// where its documents begin (tokens-00000.idx). A Builder writes it in one
// pass with bounded memory; the directory appears under its name only when it
// is complete and on disk. Open maps the shards into memory.
//
// Which tokens a training step sees is a pure function of (seed, step): there
// is no generator to save, so a run resumes at any step with those two
// numbers.
package dataset
