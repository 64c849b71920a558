// Package relation classifies pairs of entities: MatSciBERT's relation
// classification (T. Gupta et al. 2022) on the text between markers, read at
// the two that open an entity (Baldini Soares et al. 2019, arXiv:1906.03158).
// Beside the published form, which is given the pairs that are related and only
// names their relation, it learns from pairs that are not, so that it can be
// used on papers.
package relation
