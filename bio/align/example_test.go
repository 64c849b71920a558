package align_test

import (
	"fmt"

	"github.com/kiban-models/kiban/bio/align"
)

func ExampleAligner_Local() {
	query := []byte("MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ")
	a, err := align.New().Local(query, []byte("GGSGAYIAKQRQISFVKSHWSRQLEERLGMIEVQGGSG"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d of %d columns identical, %.1f bits, residues %d to %d of the query\n",
		a.Identical, a.Length(), align.Bits(a.Score), a.QueryStart+1, a.QueryEnd)
	// Output:
	// 28 of 30 columns identical, 57.8 bits, residues 4 to 33 of the query
}
