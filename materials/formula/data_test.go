package formula

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const sharedData = "../../../shared/data/materials"

// readShared gives the lines of a gzip file of the shared data.
func readShared(t testing.TB, name string, line func(string)) {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedData, name))
	if err != nil {
		t.Skipf("needs the shared data: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(z)
	for {
		s, err := r.ReadString('\n')
		if s != "" {
			line(strings.TrimRight(s, "\n"))
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestMatscholar measures IsFormula on the annotated abstracts: how many of the
// materials that look like formulas it knows, and how many words that are not
// annotated it takes for formulas.
func TestMatscholar(t *testing.T) {
	materials, outside := map[string]int{}, map[string]int{}
	for _, name := range []string{"matscholar_train.conll.gz", "matscholar_dev.conll.gz"} {
		var entity []string
		readShared(t, name, func(s string) {
			word, tag, _ := strings.Cut(s, " ")
			if tag != "I-MAT" && entity != nil {
				materials[strings.Join(entity, " ")]++
				entity = nil
			}
			switch tag {
			case "B-MAT", "I-MAT":
				entity = append(entity, word)
			case "O":
				outside[word]++
			}
		})
	}
	all, parsed, accepted, known := 0, 0, 0, 0
	var missed, refused []string
	for s, n := range materials {
		all += n
		if _, err := Parse(s); err == nil {
			parsed += n
			if !IsElement(s) {
				known += n
			}
		}
		if IsFormula(s) {
			accepted += n
		} else if f, err := Parse(s); err == nil && !IsElement(s) {
			refused = append(refused, fmt.Sprintf("%s×%d", f.Text, n))
		} else if strings.ContainsAny(s, "0123456789") && !strings.Contains(s, " ") {
			missed = append(missed, s)
		}
	}
	words, wrong, kinds := 0, 0, 0
	var taken []string
	for s, n := range outside {
		words += n
		if IsFormula(s) {
			wrong += n
			kinds++
			taken = append(taken, fmt.Sprintf("%s×%d", s, n))
		}
	}
	slices.Sort(missed)
	slices.Sort(taken)
	t.Logf("materials: %d, read %.1f%%, accepted as words %.1f%%; of those that are read and no lone symbol %.1f%%", all, 100*float64(parsed)/float64(all), 100*float64(accepted)/float64(all), 100*float64(accepted)/float64(known))
	t.Logf("words outside: %d, accepted %d (%.3f%%), of %d kinds: %v", words, wrong, 100*float64(wrong)/float64(words), kinds, taken)
	slices.Sort(refused)
	t.Logf("read but not accepted: %v", refused)
	t.Logf("with a digit but not accepted: %v", missed)
	if float64(accepted) < 0.88*float64(known) || float64(wrong) > 0.002*float64(words) {
		t.Errorf("IsFormula accepts %d of %d materials and %d of %d other words", accepted, all, wrong, words)
	}
}

// TestCeder compares with the compositions in the sol-gel recipes of O.
// Kononova et al., Sci. Data 6 (2019) 203.
func TestCeder(t *testing.T) {
	type material struct {
		Formula     string `json:"material_formula"`
		Composition []struct {
			Amount   string
			Elements map[string]string
		}
	}
	seen := map[string]bool{}
	numbers, agree, symbolic, agreeSymbolic, unread, mixtures := 0, 0, 0, 0, 0, 0
	readShared(t, "ceder_solgel_400.jsonl.gz", func(s string) {
		var r struct {
			Target     material
			Precursors []material
		}
		if err := json.Unmarshal([]byte(s), &r); err != nil {
			t.Fatal(err)
		}
		for _, m := range append(r.Precursors, r.Target) {
			if seen[m.Formula] || m.Formula == "" || len(m.Composition) == 0 {
				continue
			}
			seen[m.Formula] = true
			var want Composition
			for _, part := range m.Composition {
				factor := published(t, part.Amount)
				for e, v := range part.Elements {
					want = want.plus(Composition{{e, published(t, v)}}, factor)
				}
			}
			f, err := Parse(m.Formula)
			if err != nil {
				unread++
				t.Logf("not read: %v", err)
				continue
			}
			got, ok := f.Composition()
			if !ok {
				mixtures++ // the recipes take them to be 1:1
				continue
			}
			equal := got.Equal(want, 1e-2)
			if len(got.Variables()) == 0 {
				numbers++
				if equal {
					agree++
				}
			} else {
				symbolic++
				if equal {
					agreeSymbolic++
				}
			}
			if !equal {
				t.Logf("%s: %v, published %v", m.Formula, got.Alphabetical(), want.Alphabetical())
			}
		}
	})
	t.Logf("%d formulas: %d of %d without variables agree, %d of %d with, %d not read, %d mixtures", len(seen), agree, numbers, agreeSymbolic, symbolic, unread, mixtures)
	if float64(agree) < 0.975*float64(numbers) || unread > 5 {
		t.Error("too few compositions agree")
	}
}

// published reads an amount of the recipes: 0.333-0.333*x.
func published(t *testing.T, s string) Amount {
	t.Helper()
	f, err := Parse("O(" + strings.TrimPrefix(strings.ReplaceAll(s, "*", ""), "+") + ")")
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	c, _ := f.Composition()
	return c.Of("O")
}
