package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Hash returns the SHA-256, in hexadecimal digits, of what src holds: names,
// types, shapes and data in the order of the names. It is the same whatever
// file, or number of files, the tensors lie in.
func Hash(src Lister) (string, error) {
	h := sha256.New()
	for _, name := range src.Names() {
		t, err := src.Tensor(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %v %v\n", name, t.DType(), t.Shape())
		h.Write(t.Bytes())
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
