package pretrain

import (
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/core/dataset"
)

// counts are what a part's summary says beside its shards.
type counts struct {
	Documents int64 `json:"documents"`
	Sentences int64 `json:"sentences"`
	Unknown   int64 `json:"unknown_tokens"` // [UNK]
	Longest   int   `json:"longest_row"`    // tokens
}

// part is the training or the validation part in the making.
type part struct {
	name    string
	cross   bool // rows go on from document to document
	unknown int32
	b       *dataset.Builder
	pack    packer
	counts  counts
	start   position // of the document that is being packed
	rows    int      // that came out of it
	from    position // what an earlier run had done; Doc -1 if nothing
	skip    int      // rows of the document that are there already
}

// openPart begins a part, or goes on with the shards of it that are whole.
func openPart(dir, name string, w words, o *PrepareOptions, j *journal) (*part, error) {
	p := &part{name: name, cross: o.CrossDocuments, unknown: w.unk, from: position{Doc: -1}}
	p.pack = packer{length: o.Length, cls: w.cls, sep: w.sep, starts: func(id int32) bool { return !w.continues[id] }, emit: p.emit}
	dir = filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	var whole []dataset.Shard
	for _, f := range j.shards[name] {
		if dataset.CheckShard(dir, f.Shard) != nil {
			break // made once more, with those behind it
		}
		whole = append(whole, f.Shard)
		p.from = f.At
	}
	var err error
	p.b, err = dataset.ContinueBuilder(dir, dataset.BuilderOptions{
		VocabSize: len(w.continues), Separator: dataset.NoSeparator, ShardTokens: o.ShardTokens,
		ShardDone: func(s dataset.Shard) error {
			at := p.start
			at.Rows = p.rows
			return j.Write(journalLine{Part: name, Finished: &finished{s, at}})
		},
	}, whole)
	return p, err
}

// done reports whether an earlier run has packed the next document, which it
// passes over then.
func (p *part) done() bool {
	if p.counts.Documents >= p.from.Doc {
		return false
	}
	p.counts.Documents++
	return true
}

// add packs a document.
func (p *part) add(sentences [][]int32) error {
	p.skip = 0
	if p.counts.Documents == p.from.Doc {
		p.pack.row = append(p.pack.row[:0], p.from.Open...)
		p.counts, p.skip = p.from.Counts, p.from.Rows
	}
	p.start = position{Doc: p.counts.Documents, Open: p.pack.open(), Counts: p.counts}
	p.rows = 0
	for _, s := range sentences {
		if len(s) == 0 {
			continue
		}
		p.counts.Sentences++
		for _, id := range s {
			if id == p.unknown {
				p.counts.Unknown++
			}
		}
		if err := p.pack.add(s); err != nil {
			return err
		}
	}
	if !p.cross {
		if err := p.pack.flush(); err != nil {
			return err
		}
	}
	p.counts.Documents++
	return nil
}

func (p *part) emit(row []int32) error {
	p.rows++
	p.counts.Longest = max(p.counts.Longest, len(row))
	if p.rows <= p.skip {
		return nil
	}
	return p.b.Add(row)
}

// finish flushes what is left and writes the manifest.
func (p *part) finish(d dataset.Details) (Part, error) {
	if p.cross {
		p.skip = 0
		if p.counts.Documents == p.from.Doc { // the last row was written before
			p.pack.row = p.pack.row[:0]
			p.counts = p.from.Counts
		}
		// A shard that ends with the last row is of no document.
		p.start = position{Doc: p.counts.Documents, Counts: p.counts}
		p.rows = 0
		if err := p.pack.flush(); err != nil {
			return Part{}, err
		}
	}
	d.Part = p.name
	m, err := p.b.Finish(d)
	return Part{Rows: m.Documents, Tokens: m.Tokens, counts: p.counts}, err
}
