package pretrain_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/materials/corpus"
	"github.com/kiban-models/kiban/materials/pretrain"
)

// Two documents become rows of tokens, a sentence after another.
func ExamplePrepare() {
	dir, err := os.MkdirTemp("", "papers")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "data")
	sum, err := pretrain.Prepare(context.Background(), pretrain.PrepareOptions{
		Documents: func() iter.Seq2[corpus.Document, error] {
			return func(yield func(corpus.Document, error) bool) {
				for _, text := range []string{"TiO2 was grown. TiO2 was annealed in air.", "ZnO was grown in air. ZnO was annealed."} {
					if !yield(corpus.Document{Text: text}, nil) {
						return
					}
				}
			}
		},
		Out: out, VocabSize: 80, Length: 32,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sum.Train.Documents, "documents,", sum.Train.Sentences, "sentences,", sum.Train.Rows, "rows")
	t, err := pretrain.OpenTokenizer(out)
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := dataset.Open(filepath.Join(out, pretrain.TrainDir), dataset.OpenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	for row, err := range d.Documents() {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(t.WordPiece.Decode(row, true))
	}
	// Output:
	// 2 documents, 4 sentences, 2 rows
	// [CLS] tio2 was grown. [SEP] tio2 was annealed in air. [SEP]
	// [CLS] zno was grown in air. [SEP] zno was annealed. [SEP]
}
