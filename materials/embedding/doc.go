// Package embedding makes and uses vectors of words: word2vec (T. Mikolov et
// al. 2013, arXiv:1301.3781 and arXiv:1310.4546), as mat2vec trains it on
// abstracts of materials science (V. Tshitoyan et al., Nature 571 (2019) 95).
//
// Train makes Vectors from a stream of sentences; Read and Write speak the text
// and the binary form of the original program and gensim; Nearest and Analogies
// ask the vectors. Prepare cuts text into the words that mat2vec trains on.
//
// The same seed gives the same bytes for any number of threads. Skip-gram over a
// million words or more goes in rounds of up to 16,000: in each the vocabulary is
// dealt into groups at random, and a pair of an input word and an output word is
// trained with all pairs of the same two groups; blocks that share no group run
// at once, each in a fixed order, with noise words from the block's output group.
// So no two threads ever write the same row, and every update is made on fresh
// weights. Less text, and CBOW, whose inputs are many words, is trained by one
// thread in the order of the text. Options.Fast gives all this up for Hogwild (F.
// Niu et al., NIPS 2011), as gensim trains.
package embedding
