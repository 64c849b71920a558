package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/metric"
	"github.com/kiban-models/kiban/core/packed"
	"github.com/kiban-models/kiban/materials/corpus"
)

// openPacked opens a file, compressed or not.
func openPacked(name string) (io.ReadCloser, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r, err := packed.NewReader(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return closing{r, func() error {
		r.Close()
		return f.Close()
	}}, nil
}

type closing struct {
	io.Reader
	close func() error
}

func (c closing) Close() error { return c.close() }

// readTagPairs reads conlleval's input: lines whose last two columns are the tag
// that should be and that which was found. Tags are left as they are, for
// conlleval counts illegal ones by rules of its own.
func readTagPairs(name string) (gold []corpus.Tagged, found [][]string, err error) {
	r, err := openPacked(name)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	return tagPairs(r, name)
}

func tagPairs(r io.Reader, name string) (gold []corpus.Tagged, found [][]string, err error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	columns, document := 0, ""
	open := false
	line := 1
	for ; in.Scan(); line++ {
		text := strings.TrimSuffix(in.Text(), "\r")
		if line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		f := strings.Fields(text)
		if strings.ContainsRune(text, '\t') {
			f = strings.Split(text, "\t")
		}
		switch {
		case !utf8.ValidString(text):
			return nil, nil, fmt.Errorf("%s:%d: not valid UTF-8; convert the file, for instance by iconv -f LATIN1 -t UTF-8", name, line)
		case strings.IndexByte(text, 0) >= 0:
			return nil, nil, fmt.Errorf("%s:%d: a NUL byte; the file is not text, or is damaged", name, line)
		case strings.TrimSpace(text) == "":
			open = false
			continue
		case f[0] == "-DOCSTART-" || f[0] == "-X-":
			open = false
			if f[0] == "-DOCSTART-" {
				document = fmt.Sprintf("line %d", line)
			}
			continue
		case len(f) < 3:
			return nil, nil, fmt.Errorf("%s:%d: %d columns; a line is a word, its tag and the tag that was found. Name a second file, or a model with -m", name, line, len(f))
		case columns > 0 && len(f) != columns:
			return nil, nil, fmt.Errorf("%s:%d: %d columns, the lines before have %d; is a blank missing, or one too many?", name, line, len(f), columns)
		}
		columns = len(f)
		for _, tag := range f[len(f)-2:] {
			if tag == "" || tag != "O" && tag != "." && !strings.Contains(tag, "-") {
				return nil, nil, fmt.Errorf("%s:%d: %.60q is no tag; tags are O, or B- or I- and a label", name, line, tag)
			}
		}
		if !open {
			open = true
			gold, found = append(gold, corpus.Tagged{Doc: document, Line: line}), append(found, nil)
		}
		s, k := &gold[len(gold)-1], len(found)-1
		s.Words, s.Tags = append(s.Words, f[0]), append(s.Tags, f[len(f)-2])
		found[k] = append(found[k], f[len(f)-1])
	}
	if err := in.Err(); err != nil {
		return nil, nil, lineError(name, line, 1<<20, err)
	}
	if len(gold) == 0 {
		return nil, nil, fmt.Errorf("%s: has no sentences; a line is a word, its tag and the tag that was found", name)
	}
	return gold, found, nil
}

// lineError is that of a line that cannot be read.
func lineError(name string, line, most int, err error) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%s:%d: a line of more than %d bytes; is this the file that was meant?", name, line, most)
	}
	return fmt.Errorf("%s:%d: %w; copy or download the file again", name, line, err)
}

// labelled is a text's class by gold, or as found.
type labelled struct {
	id    string
	label string
	score float64 // 0 if not known
	line  int
}

// readLabelled reads classes: CSV or TSV files with a column label, or JSON
// lines as kiban materials classify writes them.
func readLabelled(name string) ([]labelled, error) {
	r, err := openPacked(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if !isTable(name) {
		return readLabelledLines(name, r)
	}
	in := csv.NewReader(r)
	if strings.Contains(name, ".tsv") {
		in.Comma, in.LazyQuotes = '\t', true
	}
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("%s:1: no header: %w; the first line names the columns", name, err)
	}
	column := func(names ...string) int {
		return slices.IndexFunc(head, func(h string) bool {
			return slices.Contains(names, strings.ToLower(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))))
		})
	}
	label, id, score := column("label", "class", "topic"), column("id", "doc_id", "paper_id"), column("score")
	if label < 0 {
		return nil, fmt.Errorf("%s:1: has the columns %.200s; one must be label", name, strings.Join(head, ", "))
	}
	var all []labelled
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			var parse *csv.ParseError
			if errors.As(err, &parse) {
				return nil, fmt.Errorf("%s:%d: %w; mend the row", name, parse.StartLine, parse.Err)
			}
			return nil, fmt.Errorf("%s: %w; copy or download it again", name, err)
		}
		line, _ := in.FieldPos(0)
		x := labelled{label: row[label], line: line}
		if x.label == "" {
			return nil, fmt.Errorf("%s:%d: no label; each row must have one", name, line)
		}
		if id >= 0 {
			x.id = row[id]
		}
		if score >= 0 && row[score] != "" {
			if x.score, err = strconv.ParseFloat(row[score], 64); err != nil || !(x.score >= 0 && x.score <= 1) {
				return nil, fmt.Errorf("%s:%d: the score %.40q is no number from 0 to 1", name, line, row[score])
			}
		}
		all = append(all, x)
	}
}

// maxClassLine bounds a line of classes.
const maxClassLine = 1 << 20

func readLabelledLines(name string, r io.Reader) ([]labelled, error) {
	var all []labelled
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxClassLine)
	line := 1
	for ; in.Scan(); line++ {
		if strings.TrimSpace(in.Text()) == "" {
			continue
		}
		var x classified
		if err := checkpoint.DecodeConfig(in.Bytes(), &x); err != nil {
			return nil, fmt.Errorf("%s:%d: %.200s; a line is {\"id\": …, \"label\": …, \"score\": …}", name, line, err)
		}
		if x.Label == "" {
			return nil, fmt.Errorf("%s:%d: no record with a label; a line is {\"id\": …, \"label\": …, \"score\": …}", name, line)
		}
		if !(x.Score >= 0 && x.Score <= 1) {
			return nil, fmt.Errorf("%s:%d: the score %g is no number from 0 to 1", name, line, x.Score)
		}
		all = append(all, labelled{x.ID, x.Label, x.Score, line})
	}
	if err := in.Err(); err != nil {
		return nil, lineError(name, line, maxClassLine, err)
	}
	return all, nil
}

// pairUp gives each gold class the one that was found: by id if both files have
// ids, all different, else in their order.
func pairUp(names []string, gold, found []labelled) ([]labelled, error) {
	if len(gold) != len(found) {
		return nil, fmt.Errorf("%s: has %s classes, %s has %s; both must be of the same texts", names[1], human(len(found)), names[0], human(len(gold)))
	}
	byID := map[string]labelled{}
	for _, f := range found {
		byID[f.id] = f
	}
	same := 0
	for _, g := range gold {
		if _, ok := byID[g.id]; ok && g.id != "" {
			same++
		}
	}
	if same == 0 || len(byID) < len(found) {
		return found, nil
	}
	out := make([]labelled, len(gold))
	for i, g := range gold {
		f, ok := byID[g.id]
		if !ok {
			return nil, fmt.Errorf("%s:%d: %s has no class for %q; both must be of the same texts", names[0], g.line, names[1], g.id)
		}
		out[i] = f
	}
	return out, nil
}

// evaluateClasses evaluates classes of texts.
func evaluateClasses(c *cli.Context, names []string, dir string) error {
	if len(names) < 2 || c.String("baseline") != "" || c.Bool("conlleval") {
		return usagef("classes are evaluated from two files, gold and found, and have neither --baseline nor --conlleval. See %s --help", c.Command.HelpName)
	}
	gold, err := readLabelled(names[0])
	if err != nil {
		return err
	}
	found, err := readLabelled(names[1])
	if err != nil {
		return err
	}
	if found, err = pairUp(names, gold, found); err != nil {
		return err
	}
	if len(gold) == 0 {
		return fmt.Errorf("%s: has no classes", names[0])
	}
	number := map[string]int{}
	var labels []string
	for _, x := range slices.Concat(gold, found) {
		if _, ok := number[x.label]; !ok {
			number[x.label] = 0
			labels = append(labels, x.label)
		}
	}
	slices.Sort(labels)
	for i, l := range labels {
		number[l] = i
	}
	counted := func(times []int) *metric.Confusion {
		m := metric.NewConfusion(labels)
		for i, g := range gold {
			m.Counts[number[g.label]][number[found[i].label]] += times[i]
		}
		return m
	}
	once := make([]int, len(gold))
	var cal metric.Calibration
	for i, g := range gold {
		once[i] = 1
		if found[i].score > 0 {
			cal.Add(found[i].score, g.label == found[i].label)
		}
	}
	m := counted(once)
	t := table{columns: []string{"label", "precision", "recall", "f1", "support", "found"}}
	for i, l := range labels {
		n := m.Class(i)
		t.add(l, n.Precision(), n.Recall(), n.F1(), n.Gold, n.Found)
	}
	t.add("accuracy", nil, nil, m.Accuracy(), m.Total(), m.Total())
	t.add("macro", nil, nil, m.MacroF1(), m.Total(), m.Total())
	t.add("majority", nil, nil, m.Majority(), m.Total(), m.Total())
	if err := printTable(c, c.App.Writer, t); err != nil {
		return err
	}
	if dir != "" {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		if err := writeWhole(filepath.Join(dir, "scores.tsv"), t.tsv()); err != nil {
			return err
		}
		if c.Bool("figures") {
			if err := evaluationFigures(c, dir, labels, m.Counts, "texts", &cal, "texts"); err != nil {
				return err
			}
		}
	}
	within, sure := "", ""
	if draws := c.Int("bootstrap"); draws > 0 {
		by, err := seed(c)
		if err != nil {
			return err
		}
		i := metric.Bootstrap(len(gold), draws, by, func(times []int) []float64 { return []float64{counted(times).Accuracy()} })[0]
		within = fmt.Sprintf(" (95%% of draws %s to %s)", human(i.Low), human(i.High))
	}
	if cal.N() > 0 {
		sure = fmt.Sprintf(" · confidence is off by %s", human(cal.Error()))
	}
	message(c, "accuracy: majority %s, found %s%s · macro F1 %s of %s texts%s", human(m.Majority()), human(m.Accuracy()), within, human(m.MacroF1()), human(len(gold)), sure)
	return nil
}
