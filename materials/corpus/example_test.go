package corpus_test

import (
	"fmt"
	"strings"

	"github.com/kiban-models/kiban/materials/corpus"
)

func ExampleRead() {
	file := strings.NewReader(`{"id": "a1", "title": "Fuel cells", "abstract": "La0.8Sr0.2MnO3-δ (cf. Fig. 3) was fired. It is dense."}
not a record
`)
	for d, err := range corpus.Read(file, "papers.jsonl", corpus.Options{}) {
		if err != nil {
			fmt.Println("error:", err)
			continue
		}
		points := corpus.NewPoints(d.Text)
		for _, s := range corpus.Sentences(d.Text) {
			fmt.Printf("%s %d-%d %s\n", d.ID, points.Of(s.Start), points.Of(s.End), d.Text[s.Start:s.End])
		}
	}
	// Output:
	// a1 0-10 Fuel cells
	// a1 12-52 La0.8Sr0.2MnO3-δ (cf. Fig. 3) was fired.
	// a1 53-65 It is dense.
	// error: papers.jsonl:2: not JSON: invalid character 'o' in literal null (expecting 'u'); a line must be one record, such as {"id": "1", "text": "..."}
}

func ExampleWords() {
	s := "Heated at 600 °C, it lost 5% of its low-temperature phase."
	for _, w := range corpus.Words(s) {
		fmt.Print(s[w.Start:w.End], "|")
	}
	fmt.Println()
	// Output: Heated|at|600|°|C|,|it|lost|5|%|of|its|low|-|temperature|phase|.|
}
