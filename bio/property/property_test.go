package property

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// rows of testdata/protparam.tsv.gz, which protparam.py makes, by column.
func rows(t *testing.T) []map[string]string {
	t.Helper()
	f, err := os.Open("testdata/protparam.tsv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	var names []string
	for s := bufio.NewScanner(z); s.Scan(); {
		cells := strings.Split(s.Text(), "\t")
		if names == nil {
			names = cells
			continue
		}
		row := map[string]string{}
		for i, c := range cells {
			row[names[i]] = c
		}
		all = append(all, row)
	}
	if len(all) != 500 {
		t.Fatalf("%d rows, want 500", len(all))
	}
	return all
}

func TestAgainstBiopython(t *testing.T) {
	compared := 0
	for _, row := range rows(t) {
		if row["weight"] == "" {
			continue // letters that ProtParam refuses
		}
		p := Of([]byte(row["sequence"]))
		for name, got := range map[string]float64{
			"weight": p.MolecularWeight, "pi": p.IsoelectricPoint, "charge": p.Charge, "gravy": p.GRAVY,
			"aromaticity": p.Aromaticity, "instability": p.Instability, "helix": p.Helix, "turn": p.Turn,
			"sheet": p.Sheet, "reduced": float64(p.ExtinctionReduced), "cystines": float64(p.ExtinctionCystines),
			"aliphatic": p.Aliphatic, "disorder": p.Disorder, "disorder_fraction": p.DisorderFraction, "uversky": p.Uversky,
		} {
			want, err := strconv.ParseFloat(row[name], 64)
			if err != nil {
				t.Fatal(err)
			}
			// Ten digits are printed; differences of sums near zero lose some.
			if math.Abs(got-want) > 1e-8*math.Abs(want)+1e-9 {
				t.Errorf("%s of %.30s… is %.10g, Biopython says %.10g", name, row["sequence"], got, want)
			}
			compared++
		}
	}
	if compared < 480*15 {
		t.Errorf("compared %d numbers, want at least %d", compared, 480*15)
	}
}

func TestLowComplexityAgainstSEG(t *testing.T) {
	masked := 0
	for _, row := range rows(t) {
		var got []string
		for _, s := range LowComplexity([]byte(row["sequence"])) {
			if n := len(got); n > 0 && strings.HasSuffix(got[n-1], fmt.Sprintf("-%d", s.Start)) {
				got[n-1] = fmt.Sprintf("%s-%d", strings.Split(got[n-1], "-")[0], s.End) // the mask shows neighbours as one
				continue
			}
			got = append(got, fmt.Sprintf("%d-%d", s.Start, s.End))
		}
		if want := row["segments"]; strings.Join(got, ",") != want {
			t.Errorf("segments of %s are %v, SEG says %s", row["sequence"], got, want)
		}
		masked += len(got)
	}
	if masked < 200 {
		t.Errorf("only %d segments were compared", masked)
	}
}

// Each rule of the package's documentation for letters outside the 20.
func TestNonstandardResidues(t *testing.T) {
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) < 1e-9) {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	base := Of([]byte("MKWVDE"))
	x := Of([]byte("MKWXVDE"))
	if x.Length != 7 || x.Nonstandard != 1 || base.Nonstandard != 0 {
		t.Errorf("length %d, nonstandard %d", x.Length, x.Nonstandard)
	}
	near("GRAVY", x.GRAVY, base.GRAVY)
	near("aromaticity", x.Aromaticity, 1.0/6)
	near("charge with X", x.Charge, base.Charge)
	near("weight with X", x.MolecularWeight, (base.MolecularWeight+5*waterMass)/6*7-6*waterMass)
	near("weight of B", Of([]byte("B")).MolecularWeight, (133.1027+132.1179)/2)
	near("weight of Z", Of([]byte("Z")).MolecularWeight, (147.1293+146.1445)/2)
	near("weight of J", Of([]byte("J")).MolecularWeight, 131.1729)
	near("weight of UO", Of([]byte("UO")).MolecularWeight, 168.0532+255.3134-18.0153)
	near("charge of B", Of([]byte("GBG")).Charge, (Of([]byte("GDG")).Charge+Of([]byte("GNG")).Charge)/2)
	near("charge of Z", Of([]byte("GZG")).Charge, (Of([]byte("GEG")).Charge+Of([]byte("GQG")).Charge)/2)
	// MK and VD are the pairs that are left of MK KX XV VD.
	near("instability", Of([]byte("MKXVD")).Instability, 10.0/3*(1+-14.03))
	for name, v := range map[string]float64{"weight": Of([]byte("XX")).MolecularWeight, "GRAVY": Of([]byte("XX")).GRAVY,
		"instability": Of([]byte("XX")).Instability, "disorder": Of([]byte("X")).DisorderFraction, "empty": Of(nil).Charge,
		"empty low complexity": Of(nil).LowComplexity} {
		if !math.IsNaN(v) {
			t.Errorf("%s is %v, want NaN", name, v)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	seq := []byte(strings.Repeat("MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV", 5))
	b.SetBytes(int64(len(seq)))
	for b.Loop() {
		Of(seq)
	}
}
