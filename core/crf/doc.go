// Package crf has linear-chain conditional random fields (Lafferty, McCallum
// and Pereira 2001) over the labels of a sequence: the layer that a model is
// trained with (Layer), and on the host the best path (Weights.Viterbi), the
// probabilities of labels and of stretches of them (Lattice), and which moves a
// scheme such as BIO allows (Moves).
//
// Parameters are named and laid out as in pytorch-crf 0.7.2 and as MatSciBERT
// publishes them: transitions [L, L] (from, to), start_transitions [L] and
// end_transitions [L]. The score of a path y over emissions x [T, L] is
//
//	start[y_0] + Σ x[t, y_t] + Σ transitions[y_t-1, y_t] + end[y_last]
//
// and its probability the softmax of the score over all paths. Scores are in
// nats.
package crf
