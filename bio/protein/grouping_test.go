package protein

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
	"github.com/kiban-models/kiban/core/group"
)

// groupsOf returns the groups of the sequences of a FASTA text, in its order.
func groupsOf(t *testing.T, text string, g Grouping, threads int) *group.Sets {
	t.Helper()
	o := PrepareOptions{Inputs: []string{fasta(t, text)}, Out: filepath.Join(t.TempDir(), "out"), Grouping: g, Threads: threads}
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	ws, err := dataset.OpenWorkspace(o.Out, SummaryFile, dataset.WorkspaceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p := &preparation{opts: &o, ws: ws}
	defer func() { p.closeFiles(); ws.Discard() }()
	if p.journal, err = openJournal(ws.Dir(), nil); err != nil {
		t.Fatal(err)
	}
	if err := p.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.ledger, err = openLedger(ws.Dir()); err != nil {
		t.Fatal(err)
	}
	p.states = make([]byte, p.ledger.n)
	sets, err := group.NewSets(p.ledger.n)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.joinSimilar(t.Context(), sets); err != nil {
		t.Fatal(err)
	}
	return sets
}

func realProteins(t testing.TB, n int) [][]byte {
	r, err := sequence.Open(testData(t, "uniref90_sample_8000.fasta.gz"), sequence.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out [][]byte
	for rec, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		if out = append(out, slices.Clone(rec.Residues)); len(out) == n {
			break
		}
	}
	return out
}

const standard = "ACDEFGHIKLMNPQRSTVWY"

// mutant changes the share of the residues, no place twice.
func mutant(rnd *rand.Rand, residues []byte, share float64) []byte {
	out := slices.Clone(residues)
	for _, at := range rnd.Perm(len(out))[:int(share*float64(len(out))+0.5)] {
		for c := out[at]; out[at] == c; {
			out[at] = standard[rnd.IntN(len(standard))]
		}
	}
	return out
}

// Copies in which one residue of ten is changed are found, and sequences that
// have nothing to do with each other are left apart: natural proteins and
// other ones read backwards have the same composition and no common descent.
func TestNearDuplicatesAreFound(t *testing.T) {
	proteins := realProteins(t, 4000)
	rnd := rand.New(rand.NewPCG(1, 1))
	var b strings.Builder
	n := 0
	write := func(residues []byte) int {
		n++
		fmt.Fprintf(&b, ">s%d\n%s\n", n, residues)
		return n - 1
	}
	const planted = 1500
	var first, copies [planted]int
	for i := range planted {
		first[i] = write(proteins[i])
	}
	for i := range planted {
		copies[i] = write(mutant(rnd, proteins[i], 0.1))
	}
	backwards := n
	for _, p := range proteins[planted:] {
		p = slices.Clone(p)
		slices.Reverse(p)
		write(p)
	}
	sets := groupsOf(t, b.String(), Grouping{}, 0)
	found := 0
	for i := range planted {
		if sets.Find(uint32(first[i])) == sets.Find(uint32(copies[i])) {
			found++
		}
	}
	natural := map[uint32]bool{}
	for i := range backwards {
		natural[sets.Find(uint32(i))] = true
	}
	wrong := 0
	for i := backwards; i < n; i++ {
		if natural[sets.Find(uint32(i))] {
			wrong++
		}
	}
	t.Logf("%.1f %% of the copies found, %.2f %% of %d unrelated sequences joined", 100*float64(found)/planted, 100*float64(wrong)/float64(n-backwards), n-backwards)
	if found < planted*95/100 {
		t.Errorf("%d of %d copies found", found, planted)
	}
	if wrong > (n-backwards)/100 {
		t.Errorf("%d of %d unrelated sequences joined", wrong, n-backwards)
	}
}

// Neither the order of records nor the number of threads decides who belongs
// together, or who is on which side.
func TestGroupsAreByContent(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 1))
	var all [][]byte
	for range 60 {
		family := make([]byte, 30+rnd.IntN(200))
		for i := range family {
			family[i] = standard[rnd.IntN(len(standard))]
		}
		for range 1 + rnd.IntN(12) {
			all = append(all, mutant(rnd, family, 0.15)) // at the edge of what is joined
		}
	}
	sides := func(order []int, threads int) (map[string]bool, Summary) {
		var b strings.Builder
		for k, i := range order {
			fmt.Fprintf(&b, ">s%d\n%s\n", k, all[i])
		}
		out := filepath.Join(t.TempDir(), "out")
		s, err := Prepare(t.Context(), PrepareOptions{Inputs: []string{fasta(t, b.String())}, Out: out, Threads: threads,
			Split: dataset.SplitRule{Validation: 0.3, Seed: 1}, Vocabulary: Vocabulary{Tokenizer: letters{}}})
		if err != nil {
			t.Fatal(err)
		}
		train := map[string]bool{}
		for _, text := range texts(t, filepath.Join(out, TrainDir)) {
			train[text] = true
		}
		return train, s
	}
	want, s := sides(rnd.Perm(len(all)), 1)
	if s.Groups >= s.Num || s.Groups < 60 || s.LargestGroup < 2 || s.Leaked != 0 || s.LeakedAlone == 0 || s.Split.Method != "near duplicates, similarity 0.25" {
		t.Errorf("%d groups of %d, the largest of %d, %d leaked, %d without groups, method %q", s.Groups, s.Num, s.LargestGroup, s.Leaked, s.LeakedAlone, s.Split.Method)
	}
	for threads := range 4 {
		got, again := sides(rnd.Perm(len(all)), threads)
		if again.Groups != s.Groups || again.LargestGroup != s.LargestGroup || len(got) != len(want) {
			t.Errorf("%d groups, %d for training; they were %d and %d", again.Groups, len(got), s.Groups, len(want))
		}
		for text := range got {
			if !want[text] {
				t.Fatalf("has moved to training: %q", text)
			}
		}
	}
}

func TestSeeds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 1))
	residues := make([]byte, 500)
	for i := range residues {
		residues[i] = standard[rnd.IntN(len(standard))]
	}
	copy(residues[100:], residues[:50]) // words that come twice count once
	residues[300] = 'X'
	got := appendSeeds(nil, residues)
	hashes := map[uint64]bool{}
	for i := range len(residues) - seedLength + 1 {
		if w := residues[i : i+seedLength]; !strings.Contains(string(w), "X") {
			word := uint64(0)
			for _, c := range w {
				word = word<<5 | uint64(c&31)
			}
			hashes[mix(word)] = true
		}
	}
	var all []uint64
	for h := range hashes {
		all = append(all, h)
	}
	slices.Sort(all)
	if len(got) != seedCount {
		t.Fatalf("%d seeds", len(got))
	}
	for i, s := range got {
		if s.hash != all[i] {
			t.Errorf("seed %d is %x, want %x", i, s.hash, all[i])
		}
	}
	if s := appendSeeds(nil, residues[:seedLength-1]); len(s) != 0 {
		t.Errorf("%d seeds of a sequence too short for one", len(s))
	}
}

func TestJaccard(t *testing.T) {
	words := func(s string) []uint32 { return appendWords(nil, []byte(s)) }
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"MKVLAAGIV", "MKVLAAGIV", 1},
		{"MKVLAAGIV", "MKVLAWGIV", 1.0 / 9},  // one of five words each
		{"MKVLAMKVLAMKVLA", "MKVLAMKVLA", 1}, // the same five words
		{"MKV", "MKV", 1},
		{"MKV", "MKVLA", 0},
		{"MKVLA", "WWWWW", 0},
	} {
		if got := jaccard(words(c.a), words(c.b)); got != c.want {
			t.Errorf("%s %s: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestClusters(t *testing.T) {
	in := ">sp|P1|A_X one\nMKVLAAGIVGLC\n>b two\nWWYYFFHHKKRR\n>c\nCCDDEEGGNNQQ\n>d\nAAPPSSTTVVLL\n"
	table := func(text string) string {
		path := filepath.Join(t.TempDir(), "x_cluster.tsv")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	prepare := func(path string, seed uint64) (Summary, []string, error) {
		out := filepath.Join(t.TempDir(), "out")
		s, err := Prepare(t.Context(), PrepareOptions{Inputs: []string{fasta(t, in)}, Out: out, Grouping: Grouping{Clusters: path},
			Split: dataset.SplitRule{Validation: 0.5, Seed: seed}, Vocabulary: Vocabulary{Tokenizer: letters{}}})
		if err != nil {
			return s, nil, err
		}
		return s, texts(t, filepath.Join(out, TrainDir)), nil
	}
	good := table("P1\tP1\nP1\tc\n\nb\tb\nb\tx\nd\td\r\n")
	together := 0
	for seed := range uint64(12) {
		s, train, err := prepare(good, seed)
		if err != nil {
			if strings.Contains(err.Error(), "no sequence left for training") {
				continue
			}
			t.Fatal(err)
		}
		if s.Groups != 3 || s.LargestGroup != 2 || s.NearDuplicates != 2 || s.UnusedClusterLines != 1 || s.Leaked != 0 || s.Split.Method != "clusters of a table" {
			t.Fatalf("%+v", s)
		}
		all := strings.Join(train, "")
		if strings.Contains(all, "MKVLAAGIVGLC") != strings.Contains(all, "CCDDEEGGNNQQ") {
			t.Errorf("seed %d parts a cluster", seed)
		}
		together++
	}
	if together < 6 {
		t.Errorf("only %d seeds had anything to train on", together)
	}
	for text, want := range map[string]string{
		"P1\tP1\nb\tb\n":    "x_cluster.tsv: 2 of 4 sequences are no members of any cluster, the first is c (",
		"P1 P1\n":           `x_cluster.tsv:1: "P1 P1" is not two columns`,
		"P1\tP1\na\tb\tc\n": `x_cluster.tsv:2: "a\tb\tc" is not two columns`,
	} {
		if _, _, err := prepare(table(text), 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, _, err := prepare(filepath.Join(t.TempDir(), "none.tsv"), 0); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
}
