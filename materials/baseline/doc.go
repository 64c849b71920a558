// Package baseline holds what models of materials literature must beat: a
// dictionary of the entities that were seen in training, and TF-IDF with
// logistic regression for texts and for pairs of entities. Both learn in
// seconds.
package baseline
