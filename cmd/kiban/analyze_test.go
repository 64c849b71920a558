package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// readTSV maps each row of a table by its columns.
func readTSV(t *testing.T, text string) []map[string]string {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	names := strings.Split(lines[0], "\t")
	var rows []map[string]string
	for _, line := range lines[1:] {
		cells := strings.Split(line, "\t")
		if len(cells) != len(names) {
			t.Fatalf("%d cells for %d columns in %q", len(cells), len(names), line)
		}
		row := map[string]string{}
		for i, c := range cells {
			row[names[i]] = c
		}
		rows = append(rows, row)
	}
	return rows
}

func readText(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// planted writes designs.fasta with five copies of training sequences, five
// relatives and five strangers, and training.fasta, and returns their folder.
func planted(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(12, 13))
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "ACDEFGHIKLMNPQRSTVWY"[r.IntN(20)]
		}
		return string(b)
	}
	var training, designs strings.Builder
	for i := range 60 {
		s := random(80 + r.IntN(80))
		fmt.Fprintf(&training, ">T%d natural\n%s\n", i, s)
		switch {
		case i < 5:
			fmt.Fprintf(&designs, ">copy%d\n%s\n", i, s)
		case i < 10:
			b := []byte(s)
			for k := range b {
				if k%10 < 3 {
					b[k] = random(1)[0]
				}
			}
			fmt.Fprintf(&designs, ">kin%d\n%s\n", i, b)
		case i < 15:
			fmt.Fprintf(&designs, ">new%d\n%s\n", i, random(100))
		}
	}
	for name, s := range map[string]string{"training.fasta": training.String(), "designs.fasta": designs.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAnalyzeProperties(t *testing.T) {
	const fasta = ">a first\nMKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV\n>b\nXXQQQQQQQQQQQQQQQQQQ\n"
	out, stderr, code := kiban(t.Context(), fasta, "protein", "analyze")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	rows := readTSV(t, out)
	// Biopython's ProtParam gives these.
	a, b := rows[0], rows[1]
	for name, want := range map[string]string{"id": "a", "length": "70", "molecular_weight": "7768.86", "isoelectric_point": "9.2218",
		"gravy": "-0.21142", "instability": "34.304", "low_complexity": "0"} {
		if !strings.HasPrefix(a[name], want) {
			t.Errorf("%s is %s, want %s", name, a[name], want)
		}
	}
	if b["x_fraction"] != "0.1" || b["nonstandard"] != "2" || b["gravy"] != "-3.5" || b["share_Q"] != "0.9" {
		t.Errorf("b is %v", b)
	}
	if _, ok := a["nearest_id"]; ok || !strings.Contains(stderr, "without --training") {
		t.Errorf("nearest without training data, or nothing said: %s", stderr)
	}
	var list []map[string]any
	out, _, _ = kiban(t.Context(), ">x\nXX\n", "protein", "analyze", "--json")
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 || list[0]["gravy"] != nil || list[0]["length"] != 2.0 {
		t.Errorf("--json gives %s (%v)", out, err)
	}
	out, stderr, code = kiban(t.Context(), "", "protein", "analyze")
	if code != 0 || strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "id\tlength\t") {
		t.Errorf("no sequences: exit %d, %q, %s", code, out, stderr)
	}
}

func TestAnalyzeFindsWhatIsPlanted(t *testing.T) {
	dir := planted(t)
	an := filepath.Join(dir, "analysis")
	designs, training := filepath.Join(dir, "designs.fasta"), filepath.Join(dir, "training.fasta")
	out := must(t, "protein", "analyze", designs, "--training", training, "--reference", training, "-o", an, "--multiqc", "--network-sample", "40", "-q")
	sum := readTSV(t, out)
	if len(sum) != 3 || sum[0]["num_seqs"] != "15" || sum[0]["copies"] != "5" || sum[1]["set"] != "training" || sum[1]["num_seqs"] != "60" || sum[2]["set"] != "reference" {
		t.Errorf("summary is %v", sum)
	}
	if !strings.HasPrefix(out, "file\tformat\ttype\tnum_seqs\tsum_len\tmin_len\tavg_len\tmax_len\t") {
		t.Errorf("summary begins with other columns: %s", out)
	}
	for _, row := range readTSV(t, readText(t, an, "properties.tsv")) {
		want := map[string][3]string{"cop": {"true", "false", "1"}, "kin": {"false", "false", "0.7"}, "new": {"false", "true", "0."}}[row["id"][:3]]
		if row["extracted"] != want[0] || row["novel"] != want[1] || !strings.HasPrefix(row["nearest_identity"], want[2][:1]) {
			t.Errorf("%s: extracted %s, novel %s, identity %s", row["id"], row["extracted"], row["novel"], row["nearest_identity"])
		}
		if row["id"][:3] != "new" && row["nearest_id"] != "T"+row["id"][len(row["id"])-1:] {
			t.Errorf("%s is nearest to %s", row["id"], row["nearest_id"])
		}
	}
	nearest := readText(t, an, "nearest.tsv")
	if !strings.HasPrefix(nearest, "query\ttarget\tfident\talnlen\tmismatch\tgapopen\tqstart\tqend\ttstart\ttend\tevalue\tbits\t") {
		t.Errorf("nearest.tsv begins %.100s", nearest)
	}
	for _, row := range readTSV(t, nearest)[:5] {
		if row["fident"] != "1" || row["mismatch"] != "0" || row["qstart"] != "1" || row["tend"] != row["tlen"] || row["qend"] != row["qlen"] {
			t.Errorf("a copy: %v", row)
		}
	}
	for i, row := range readTSV(t, readText(t, an, "memorisation.tsv")) {
		if (row["copy_of"] != "") != (i < 5) || i < 5 && (row["longest_match"] != row["length"] || row["share"] != "1") {
			t.Errorf("memorisation of %v", row)
		}
	}
	var m struct {
		Copies, Extracted int
		Rate              float64 `json:"extraction_rate"`
		Sequences         []any
	}
	if err := json.Unmarshal([]byte(readText(t, an, "memorisation.json")), &m); err != nil || m.Copies != 5 || m.Extracted != 5 || m.Rate != 1.0/3 || len(m.Sequences) != 15 {
		t.Errorf("memorisation.json: %+v, %v", m, err)
	}
	var net struct {
		Generated, Natural int
		Joined             float64 `json:"joined_to_natural"`
		Nodes, Edges       []map[string]any
	}
	if err := json.Unmarshal([]byte(readText(t, an, "network.json")), &net); err != nil || net.Generated != 15 || net.Natural != 40 || net.Joined != 2.0/3 || len(net.Nodes) != 55 || len(net.Edges) < 10 {
		t.Errorf("network.json: %d, %d, joined %v, %d edges; %v", net.Generated, net.Natural, net.Joined, len(net.Edges), err)
	}
	if err := xml.Unmarshal([]byte(readText(t, an, "network.graphml")), new(struct{})); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"length", "composition", "molecular_weight", "isoelectric_point", "gravy", "instability", "disorder", "novelty", "similarity_network"} {
		for _, ext := range []string{".svg", ".png", ".csv"} {
			if st, err := os.Stat(filepath.Join(an, "figures", name+ext)); err != nil || st.Size() == 0 {
				t.Errorf("figure %s%s: %v", name, ext, err)
			}
		}
	}
	report := readText(t, an, "report.html")
	for _, want := range []string{"5 extracted", "(5 copies)", "copy0", "<figure>", "Exact matches are also what common descent leaves"} {
		if !strings.Contains(report, want) {
			t.Errorf("report.html lacks %q", want)
		}
	}
	if n := strings.Count(report, "<figure>"); n != 9 {
		t.Errorf("the report has %d figures, want 9", n)
	}
	for name, keys := range map[string][]string{"designs_kiban_mqc.json": {"id", "section_name", "description", "plot_type", "pconfig", "data"},
		"designs_kiban_generalstats_mqc.json": {"id", "plot_type", "pconfig", "data"}} {
		var f map[string]any
		if err := json.Unmarshal([]byte(readText(t, an, name)), &f); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, k := range keys {
			if f[k] == nil {
				t.Errorf("%s lacks %s", name, k)
			}
		}
		if data, ok := f["data"].(map[string]any); !ok || data["designs"] == nil {
			t.Errorf("%s has data %v", name, f["data"])
		}
	}
	// The same again with other threads gives the same bytes.
	again := filepath.Join(dir, "again")
	must(t, "protein", "analyze", designs, "--training", training, "--reference", training, "-o", again, "--multiqc", "--network-sample", "40", "-q", "-j", "3")
	sameFiles(t, tree(t, an), tree(t, again), func(name string) bool { return name != "report.html" }) // it names its command
}

// Prepared data read back are as good as the FASTA that they were made from.
func TestAnalyzePreparedData(t *testing.T) {
	dir := planted(t)
	designs, data := filepath.Join(dir, "designs.fasta"), filepath.Join(dir, "data")
	must(t, "protein", "prepare", filepath.Join(dir, "training.fasta"), "-o", data, "--validation", "0", "--vocab-size", "300", "-q")
	rows := readTSV(t, must(t, "protein", "analyze", designs, "--training", data, "-q"))
	if len(rows) != 15 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows[:5] {
		if row["extracted"] != "true" || row["nearest_identity"] != "1" || !strings.HasPrefix(row["nearest_id"], "train:") {
			t.Errorf("a copy: %v", row)
		}
	}
	an := filepath.Join(dir, "few")
	must(t, "protein", "analyze", designs, "-o", an, "--training", data, "--no-figures", "--no-report", "--network-sample", "0", "--prefix", "s1", "-q")
	var names []string
	for name := range tree(t, an) {
		names = append(names, name)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "s1_memorisation.json s1_memorisation.tsv s1_nearest.tsv s1_properties.tsv s1_summary.json s1_versions.yml" {
		t.Errorf("files are %s", got)
	}
	if !strings.Contains(readText(t, an, "s1_summary.json"), `"format": "tokens"`) {
		t.Error("the summary takes tokens for FASTA")
	}
}

func TestAnalyzeWithoutTraining(t *testing.T) {
	dir := planted(t)
	designs, an := filepath.Join(dir, "designs.fasta"), filepath.Join(dir, "an")
	must(t, "protein", "analyze", designs, "-o", an, "-q")
	if !strings.Contains(readText(t, an, "report.html"), "nearest sequences and memorisation were not looked at") {
		t.Error("the report does not say that novelty was left out")
	}
	for _, name := range []string{"nearest.tsv", "memorisation.tsv"} {
		if _, err := os.Stat(filepath.Join(an, name)); err == nil {
			t.Errorf("%s without training data", name)
		}
	}
	fails(t, []string{"exists already"}, "protein", "analyze", designs, "-o", an)
	fails(t, []string{"nowhere"}, "protein", "analyze", designs, "--training", "nowhere")
	empty := filepath.Join(dir, "empty.fasta")
	if err := os.WriteFile(empty, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	fails(t, []string{"empty.fasta: no sequences"}, "protein", "analyze", designs, "--training", empty)
	if _, stderr, code := kiban(t.Context(), "", "protein", "analyze", designs, "--novel-below", "50"); code != exitMisuse || !strings.Contains(stderr, "novel-below") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if _, _, code := kiban(t.Context(), "", "protein", "analyze", designs, "--multiqc"); code != exitMisuse {
		t.Errorf("--multiqc without -o: exit %d", code)
	}
	if _, _, code := kiban(context.Background(), "", "protein", "analyze", designs, "-j", "1", "--limit", "2"); code != 0 {
		t.Errorf("--limit: exit %d", code)
	}
}
