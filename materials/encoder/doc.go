// Package encoder has BERT (Devlin et al. 2019, arXiv:1810.04805), the model
// that MatSciBERT and SciBERT are, under the names of transformers'
// BertForMaskedLM, BertForTokenClassification and
// BertForSequenceClassification, whose directories it reads and writes.
//
// A [Model] is declared in a graph. Its heads are methods: masked tokens,
// labels of tokens, of texts, and of pairs of places. A [Session] runs a model
// over many texts, a batch of like lengths at a time.
package encoder
