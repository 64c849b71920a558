// Package normalize brings the characters of scientific text to those that a
// vocabulary knows, and keeps where each came from: dashes and minus signs,
// primes, the two micro signs, the ångström sign, subscripts and superscripts,
// ligatures, special spaces, soft hyphens.
//
// [Open] takes a model's own mapping file if its directory has one, as MatSciBERT
// was trained with (T. Gupta et al., "MatSciBERT", npj Computational Materials 8,
// 102, 2022), else rules of this package that go by the model's vocabulary.
// [Encoder] puts normalisation and WordPiece together: pieces of the original
// text.
package normalize
