package vector_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/materials/vector"
)

// A file of two vectors, for numpy.load. An Embedder makes vectors of texts.
func ExampleNPY() {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("kiban-example-%d.npy", os.Getpid()))
	defer os.Remove(path)
	f, err := os.Create(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	n, err := vector.NewNPY(f, 3)
	for _, v := range [][]float32{{1, 2, 3}, {4, 5, 6}} {
		if err == nil {
			err = n.Write(v)
		}
	}
	if err == nil {
		err = n.Close()
	}
	b, _ := os.ReadFile(path)
	fmt.Println(err, len(b), "bytes,", 2*3*4, "of them numbers")
	// Output: <nil> 152 bytes, 24 of them numbers
}
