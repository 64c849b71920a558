package corpus_test

import (
	"fmt"

	"github.com/kiban-models/kiban/materials/corpus"
)

func ExampleReadXML() {
	file := []byte(`<article><body><sec><title>Synthesis</title><p>BaTiO<sub>3</sub> was made at 25&#xA0;&deg;C.</p></sec></body></article>`)
	d, err := corpus.ReadXML(file, "paper.xml")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Sections[0].Name)
	span := corpus.Span{Start: len("Synthesis\n\n"), End: len("Synthesis\n\nBaTiO3")}
	in, ok := d.SourceSpan(span)
	fmt.Println(d.Text[span.Start:span.End], ok, string(file[in.Start:in.End]))
	// Output:
	// Synthesis
	// BaTiO3 true BaTiO<sub>3
}

func ExampleSplit() {
	s := corpus.Split{Dev: 0.2, Test: 0.2, Seed: 4}
	for _, doi := range []string{"10.1000/1", "10.1000/2", "10.1000/3"} {
		fmt.Println(doi, s.Of(doi))
	}
	// Output:
	// 10.1000/1 test
	// 10.1000/2 train
	// 10.1000/3 dev
}
