package ner

import (
	"github.com/kiban-models/kiban/core/token"
	"github.com/kiban-models/kiban/materials/task"
)

// Tokenizer cuts words into pieces, one by one; of[i] is the word of
// pieces[i]. normalize.Encoder is one, and token.WordPiece, which does not
// normalise.
type Tokenizer interface {
	EncodeWords(words []string) (pieces []token.Piece, of []int)
}

// Frame is what a tokenizer and a model agree on.
type Frame struct {
	CLS, SEP int32
	Length   int // tokens that the model sees, with both
	// Stride is the number of tokens that neighbouring windows of a sentence
	// that is too long for the model share, about: whole words.
	Stride int
}

// Window is a sentence as a model reads it, or a part of one that is too long.
type Window struct {
	Row task.Row
	// Words are those of the row's places. A word without a piece, such as a
	// soft hyphen, has none: it is O.
	Words []int
}

// Windows makes the windows of a sentence. labels, if not nil, are its words',
// negative for none; then no two windows share words.
func Windows(t Tokenizer, f Frame, words []string, labels []int32) []Window {
	pieces, of := t.EncodeWords(words)
	room := f.Length - 2
	stride := f.Stride
	if labels != nil {
		stride = 0
	}
	var all []Window
	for at := 0; at < len(pieces); {
		end := min(at+room, len(pieces))
		for end < len(pieces) && end > at && of[end] == of[end-1] { // whole words
			end--
		}
		if end == at { // a word that is longer than the model
			for end = at + room; end < len(pieces) && of[end] == of[at]; end++ {
			}
		}
		w := Window{Row: task.Row{IDs: []int32{f.CLS}}}
		for i, p := range pieces[at:min(end, at+room)] {
			if word := of[at+i]; i == 0 || word != of[at+i-1] {
				w.Row.Places = append(w.Row.Places, int32(i+1))
				w.Words = append(w.Words, word)
				if labels != nil {
					w.Row.Labels = append(w.Row.Labels, labels[word])
				}
			}
			w.Row.IDs = append(w.Row.IDs, p.ID)
		}
		w.Row.IDs = append(w.Row.IDs, f.SEP)
		all = append(all, w)
		if end == len(pieces) {
			break
		}
		after := end // the end of the word that the next window must hold
		for after < len(pieces) && of[after] == of[end] {
			after++
		}
		next := end
		for next > at+1 && end-next < stride && after-next < room {
			next--
		}
		for next < end && next > 0 && of[next] == of[next-1] {
			next++
		}
		if next <= at {
			next = end
		}
		at = next
	}
	return all
}

// merge gives each word the scores of the window in which it stands farthest
// from an end that is not the sentence's; nil for words without a piece.
func merge(words int, windows []Window, scores [][][]float32) [][]float32 {
	out := make([][]float32, words)
	room := make([]int, words)
	for i, w := range windows {
		n := len(w.Words)
		for j, word := range w.Words {
			context := n
			if i > 0 {
				context = min(context, j)
			}
			if i < len(windows)-1 {
				context = min(context, n-1-j)
			}
			if out[word] == nil || context > room[word] {
				out[word], room[word] = scores[i][j], context
			}
		}
	}
	return out
}
