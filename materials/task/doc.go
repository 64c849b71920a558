// Package task trains and runs what stands on an encoder: labels of words, one
// by one or as a chain, labels of texts, and relations of pairs. The texts come
// as rows of tokens; what they say is the business of the packages that make
// them (ner, relation, abstract).
package task
