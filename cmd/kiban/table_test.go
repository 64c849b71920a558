package main

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func sampleTable() table {
	t := table{columns: []string{"id", "length", "perplexity"}}
	t.add("s1", 1234567, 9.87654321)
	t.add("tab\there", 5, math.NaN())
	return t
}

func TestTableForms(t *testing.T) {
	x := sampleTable()
	if got, want := string(x.tsv()), "id\tlength\tperplexity\ns1\t1234567\t9.87654321\ntab here\t5\t\n"; got != want {
		t.Errorf("tsv is\n%s", got)
	}
	if got, want := string(x.aligned()), ""+
		"id           length  perplexity\n"+
		"s1        1,234,567        9.88\n"+
		"tab\there          5           -\n"; got != want {
		t.Errorf("aligned is\n%s", got)
	}
	var rows []map[string]any
	if err := json.Unmarshal(x.json(), &rows); err != nil {
		t.Fatal(err)
	}
	if rows[0]["length"] != 1234567.0 || rows[0]["perplexity"] != 9.87654321 || rows[1]["perplexity"] != nil || rows[1]["id"] != "tab\there" {
		t.Errorf("json is %v", rows)
	}
	if got := string(table{columns: []string{"id"}}.json()); got != "[]\n" {
		t.Errorf("no rows are %q", got)
	}
}

// Off a terminal a table is TSV, and --json is one document.
func TestPrintTable(t *testing.T) {
	for line, want := range map[string]string{"x": "id\tlength", "x --json": "[\n  {\"id\": \"s1\", \"length\": 1234567, "} {
		var b bytes.Buffer
		err := within(t, line, func(c *cli.Context) error { return printTable(c, &b, sampleTable()) })
		if err != nil || !strings.HasPrefix(b.String(), want) {
			t.Errorf("%s: %v\n%s", line, err, b.String())
		}
	}
}

func TestHuman(t *testing.T) {
	for _, x := range []struct {
		v    any
		want string
	}{{-1234, "-1,234"}, {0.000012, "1.2e-05"}, {0.0123456, "0.0123"}, {12345.6, "12,346"}, {0.0, "0"}, {nil, "-"}, {uint64(1000), "1,000"}, {3.14159, "3.14"}} {
		if got := human(x.v); got != x.want {
			t.Errorf("%v is %q, want %q", x.v, got, x.want)
		}
	}
}
