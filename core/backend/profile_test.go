package backend_test

import (
	"testing"
	"time"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/plan"
)

func TestProfileTable(t *testing.T) {
	var product, cache backend.Spent
	product.Add(2, 3_000_000, plan.Work{Flops: 6e6, Bytes: 1.5e6})
	product.Add(1, 1_000_000, plan.Work{Flops: 4e6, Bytes: 1e6})
	cache.Add(1, 1_000_000, plan.Work{Bytes: 1e6})
	cache.Add(1, 1_000_000, plan.Work{}) // unknown of one, so unknown of all
	cache.Add(1, 2_000_000, plan.Work{Bytes: 1e6})
	got := backend.Profile{
		Kernels: map[string]backend.Spent{"cache": cache, "matmul": product}, Runs: 3, Wall: 10 * time.Millisecond, Note: "a note",
	}.String()
	want := `kernel                          calls     total ms      each us  share   GFLOP/s      GB/s
cache                               3        4.000      1333.33  50.0%         -         -
matmul                              3        4.000      1333.33  50.0%       4.0       1.0
3 runs took 10ms, 20.0% of it outside kernels
a note
`
	if got != want {
		t.Errorf("got\n%s\nwanted\n%s", got, want)
	}
}
