package main

import (
	"strings"
	"testing"
)

// TestEvaluateMarked evaluates documents in which entities are marked.
func TestEvaluateMarked(t *testing.T) {
	found := file(t, "found.jsonl", `{"text":"a b\n\nc","spans":[{"start":0,"end":3,"label":"X"}]}`+"\n")
	goldLists := file(t, "gold.jsonl", `{"text":"a b\n\nc","spans":[{"start":0,"end":3,"label":"X"},{"start":5,"end":6,"label":"Y"}]}`+"\n")
	out := must(t, "materials", "evaluate", goldLists, found, "--bootstrap", "0", "-q")
	if !strings.Contains(out, "micro\t1\t0.5\t0.6666666666666666\t\t\t2\t1\n") {
		t.Errorf("%s", out)
	}
}
