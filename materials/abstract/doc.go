// Package abstract classifies texts as a whole, such as abstracts by topic:
// MatSciBERT's abstract classification (T. Gupta et al. 2022), which is
// transformers' BertForSequenceClassification.
package abstract
