// Package pretrain trains BERT as a masked language model on papers, from
// random weights or on from a model's, by the recipe of MatSciBERT (T. Gupta et
// al., npj Computational Materials 8, 102, 2022) and RoBERTa (Liu et al. 2019,
// arXiv:1907.11692): full sentences packed to rows of 512 tokens, whole words
// masked anew in each epoch.
//
// [Prepare] cuts documents into sentences and tokens once and leaves them on
// disk; [New] plans a run over them; [Evaluate] scores held-out documents.
package pretrain
