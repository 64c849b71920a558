package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"github.com/urfave/cli/v2"
)

// A FASTA file that looks like UniRef50 to the programs that read it: its
// headers, line width, length distribution and composition, with some exact and
// near copies among the sequences. Equal numbers give equal bytes.

// Residues and their share in Swiss-Prot (release 2024_01), in percent.
const residues = "ARNDCQEGHILKMFPSTWYV"

var share = [...]float64{8.25, 5.52, 4.06, 5.46, 1.38, 3.93, 6.71, 7.07, 2.27, 5.91, 9.64, 5.79, 2.41, 3.86, 4.74, 6.65, 5.36, 1.10, 2.92, 6.85}

// Lengths follow a log-normal distribution of mean 280 and median 211.
const (
	meanLength = 280
	sigma      = 0.75
	minLength  = 11
	maxLength  = 35_000
)

var names = [...]string{"Uncharacterized protein", "Hypothetical protein", "Transcriptional regulator, LysR family",
	"ABC transporter ATP-binding protein", "Beta-lactamase domain-containing protein", "Putative membrane protein",
	"Cytochrome P450", "Histidine kinase (EC 2.7.13.3)", "Glycosyl transferase family 2 protein", "DUF4238 domain-containing protein (Fragment)"}

var organisms = [...]struct {
	name, code string
	id         int
}{{"Escherichia coli", "ECOLX", 562}, {"Homo sapiens", "HUMAN", 9606}, {"Acinetobacter baumannii", "ACIBA", 470},
	{"uncultured Gammaproteobacteria bacterium", "9GAMM", 86473}, {"Bacteria", "9BACT", 2}, {"Streptomyces sp. NRRL F-5123", "9ACTN", 1463856},
	{"Trichuris trichiura", "TRITR", 36087}, {"Candidatus Saccharibacteria bacterium", "9BACT", 2026720}}

type generator struct {
	rnd      *rand.Rand
	letters  [4096]byte // each residue as often as its share
	earlier  [4096][]byte
	sequence []byte
}

var uniref50Flags = []cli.Flag{
	&cli.IntFlag{Name: "n", Value: 5_000_000, Usage: "`N` records"},
	&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`SEED` of the random numbers"},
	&cli.Float64Flag{Name: "exact", Value: shareExact, Usage: "`SHARE` of records whose sequence is that of an earlier one"},
	&cli.Float64Flag{Name: "near", Value: shareNear, Usage: "`SHARE` of records that are an earlier one with every tenth residue changed"},
}

const shareExact, shareNear = 0.01, 0.05

func writeUniRef50(c *cli.Context) error {
	w := bufio.NewWriterSize(c.App.Writer, 1<<20)
	newGenerator(c.Uint64("seed")).write(w, c.Int("n"), c.Float64("exact"), c.Float64("near"))
	return w.Flush()
}

func newGenerator(seed uint64) *generator {
	g := &generator{rnd: rand.New(rand.NewPCG(seed, 0))}
	total := 0.0
	for _, s := range share {
		total += s
	}
	k, sum := 0, share[0]
	for i := range g.letters {
		for (float64(i)+0.5)/float64(len(g.letters))*total > sum {
			k++
			sum += share[k]
		}
		g.letters[i] = residues[k]
	}
	return g
}

func (g *generator) write(w io.Writer, n int, exact, near float64) {
	mu := math.Log(meanLength) - sigma*sigma/2
	for i := range n {
		old := g.earlier[g.rnd.IntN(len(g.earlier))]
		switch u := g.rnd.Float64(); {
		case old != nil && u < exact:
			g.sequence = append(g.sequence[:0], old...)
		case old != nil && u < exact+near:
			g.sequence = append(g.sequence[:0], old...)
			for range (len(old) + 5) / 10 {
				g.sequence[g.rnd.IntN(len(old))] = g.letter()
			}
		default:
			length := math.Exp(mu + sigma*g.rnd.NormFloat64())
			g.fresh(int(min(max(length, minLength), maxLength)))
		}
		k := i % len(g.earlier)
		if i >= len(g.earlier) {
			k = g.rnd.IntN(len(g.earlier))
		}
		g.earlier[k] = append(g.earlier[k][:0], g.sequence...)
		g.record(w, i)
	}
}

func (g *generator) letter() byte { return g.letters[g.rnd.Uint64()>>52] }

func (g *generator) fresh(n int) {
	g.sequence = append(g.sequence[:0], 'M')
	for len(g.sequence) < n {
		bits := g.rnd.Uint64()
		for range min(5, n-len(g.sequence)) {
			g.sequence = append(g.sequence, g.letters[bits&4095])
			bits >>= 12
		}
	}
}

func (g *generator) record(w io.Writer, i int) {
	o := organisms[g.rnd.IntN(len(organisms))]
	accession := fmt.Sprintf("A0A%07X", i)
	fmt.Fprintf(w, ">UniRef50_%s %s n=%d Tax=%s TaxID=%d RepID=%s_%s\n", accession,
		names[g.rnd.IntN(len(names))], 1+int(g.rnd.ExpFloat64()*3), o.name, o.id, accession, o.code)
	for s := g.sequence; len(s) > 0; {
		n := min(60, len(s))
		w.Write(s[:n])
		w.Write([]byte{'\n'})
		s = s[n:]
	}
}
