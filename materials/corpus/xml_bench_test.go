package corpus

import (
	"strings"
	"testing"
)

func BenchmarkXML(b *testing.B) {
	file := string(readFile(b, "testdata/xml/jats.xml"))
	from, to := strings.Index(file, "<sec id"), strings.Index(file, "</body>")
	data := []byte(file[:from] + strings.Repeat(file[from:to], 200) + file[to:])
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := ReadXML(data, "x.xml"); err != nil {
			b.Fatal(err)
		}
	}
}
