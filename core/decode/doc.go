// Package decode generates sequences from a causal model: many at once, with a
// key/value cache, and with every choice made on the device.
//
// A Decoder holds two programs over the same weights and caches. Prefill runs
// the prompts, except their last tokens, through the model to fill the caches.
// Step takes one token of each sequence to the next: model, repetition
// penalty, temperature, top-k, top-p, sampling, and the bookkeeping of
// positions and ends. The host reads results back every few steps only.
//
// A BeamDecoder keeps several beams of a request in rows of the same caches. Its
// step stops at the logits: the host picks the continuations of all beams, and
// where beams have other parents than the rows they lie in, a small program
// moves the rows of the caches, layer by layer.
//
// A sequence is a function of the seed, its stream number and its prompt; it
// does not depend on the other sequences of its batch.
package decode
