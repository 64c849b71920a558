package protein

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/checkpoint"
	"github.com/kiban-models/kiban/core/dataset"
)

// preparation is one call of Prepare: phases, each of which ends with what it
// made on disk and a line in the journal.
type preparation struct {
	opts     *PrepareOptions
	ws       *dataset.Workspace
	journal  *journal
	mismatch error // the run that is to go on was another
	ledger   *ledger
	states   []byte // of all records
	summary  Summary

	mu    sync.Mutex // of progress, which several threads report
	phase string
	most  int64
}

func (p *preparation) run(ctx context.Context) error {
	if p.ws.Published() {
		b, err := os.ReadFile(filepath.Join(p.opts.Out, SummaryFile))
		if err != nil {
			return err
		}
		return json.Unmarshal(b, &p.summary)
	}
	if err := os.MkdirAll(p.ws.Out(), 0o777); err != nil {
		return err
	}
	vocabulary := p.opts.Vocabulary
	if vocabulary.Tokenizer != nil {
		var err error
		if vocabulary, err = p.saveVocabulary(vocabulary); err != nil {
			return err
		}
	}
	settings, err := p.settings(vocabulary)
	if err != nil {
		return err
	}
	if p.journal, err = openJournal(p.ws.Dir(), settings); err != nil {
		if p.opts.Resume {
			p.mismatch = err
		}
		return err
	}
	if !p.journal.done[phaseRead] {
		if err := p.read(ctx); err != nil {
			return err
		}
	}
	if p.ledger, err = openLedger(p.ws.Dir()); err != nil {
		return err
	}
	p.summary = *p.journal.summary
	if p.journal.done[phaseDivided] {
		p.states, err = readStates(p.ws.Dir(), p.ledger.n)
	} else {
		err = p.divided(ctx)
	}
	if err != nil {
		return err
	}
	if vocabulary.Tokenizer == nil {
		if vocabulary, err = p.vocabulary(ctx); err != nil {
			return err
		}
	}
	if err := p.tokenize(ctx, vocabulary); err != nil {
		return err
	}
	b, err := json.MarshalIndent(p.summary, "", "  ")
	if err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(p.ws.Out(), SummaryFile), append(b, '\n')); err != nil {
		return err
	}
	return p.ws.Publish()
}

// divided decides about every record.
func (p *preparation) divided(ctx context.Context) error {
	p.states = make([]byte, p.ledger.n)
	for _, left := range []string{"digests", "seeds", "members", "clusters"} { // by a run that was killed
		if err := os.Remove(filepath.Join(p.ws.Dir(), left)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := p.duplicates(ctx); err != nil {
		return err
	}
	if err := p.divide(ctx); err != nil {
		return err
	}
	if sum := &p.summary; sum.Train.Sequences == 0 {
		return &sequence.Error{File: sum.File,
			What: fmt.Sprintf("no sequence left for training of %d read (%d duplicates, %d too short, %d too long, %d for validation) and %d invalid",
				sum.Num, sum.Duplicates, sum.TooShort, sum.TooLong, sum.Validation.Sequences, sum.Invalid),
			Remedy: "check the input and the limits"}
	}
	if err := writeSynced(filepath.Join(p.ws.Dir(), statesFile), p.states); err != nil {
		return err
	}
	return p.journal.finished(phaseDivided, &p.summary)
}

// vocabulary is the phase that trains the tokenizer, or reads it again.
func (p *preparation) vocabulary(ctx context.Context) (Vocabulary, error) {
	if p.journal.done[phaseTokenizer] && p.opts.Load != nil {
		v, err := p.opts.Load(filepath.Join(p.ws.Out(), TokenizerDir))
		if err != nil {
			return v, err
		}
		return p.hashVocabulary(v)
	}
	sample := sample{budget: p.opts.TrainResidues, limit: ^uint64(0)}
	p.progress("sampling", 0, p.ledger.n)
	err := p.ledger.stretches(ctx, p.states, func(s *stretch) error {
		defer s.release()
		if err := s.read(p.ledger, p.states); err != nil {
			return err
		}
		for k, r := range s.rows {
			if p.states[int(s.first)+k] == stateTrain {
				sample.add(s.sequence(k), r.digest)
			}
		}
		p.progress("sampling", int64(s.first)+int64(len(s.rows)), p.ledger.n)
		return nil
	})
	if err != nil {
		return Vocabulary{}, err
	}
	p.progress("training tokenizer", 0, sample.residues)
	v, err := p.opts.Train(ctx, sample.words(), p.opts.VocabSize)
	if err != nil {
		return v, fmt.Errorf("training the tokenizer: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return v, err
	}
	p.progress("training tokenizer", sample.residues, sample.residues)
	if v, err = p.saveVocabulary(v); err != nil {
		return v, err
	}
	return v, p.journal.finished(phaseTokenizer, &p.summary)
}

// saveVocabulary writes the tokenizer's files into the result.
func (p *preparation) saveVocabulary(v Vocabulary) (Vocabulary, error) {
	if v.Save == nil {
		return v, nil
	}
	dir := filepath.Join(p.ws.Out(), TokenizerDir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return v, err
	}
	if err := checkpoint.Sweep(dir); err != nil { // a run that was killed here
		return v, err
	}
	if err := v.Save(dir); err != nil {
		return v, err
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return v, err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return v, err
		}
	}
	if err != nil {
		return v, err
	}
	return p.hashVocabulary(v)
}

func (p *preparation) hashVocabulary(v Vocabulary) (Vocabulary, error) {
	if v.SHA256 != "" || v.HashFile == "" {
		return v, nil
	}
	b, err := os.ReadFile(filepath.Join(p.ws.Out(), TokenizerDir, v.HashFile))
	v.SHA256 = fmt.Sprintf("%x", sha256.Sum256(b))
	return v, err
}

// splitRule is the rule with what it divides.
func (p *preparation) splitRule() dataset.SplitRule {
	r := p.opts.Split
	r.Method = p.opts.Grouping.method()
	return r
}

// settings are what a run that goes on must have in common with the one before:
// files by name, size and time, and all options on which the result depends.
func (p *preparation) settings(v Vocabulary) (map[string]string, error) {
	o := p.opts
	s := map[string]string{
		"min-length":   strconv.Itoa(o.MinLength),
		"max-length":   strconv.Itoa(o.MaxLength),
		"limit":        strconv.FormatInt(o.Limit, 10),
		"seq-type":     o.Reader.Type.String(),
		"invalid":      o.Reader.Invalid.String(),
		"gaps":         o.Reader.Gaps.String(),
		"empty":        o.Reader.Empty.String(),
		"duplicates":   o.Reader.Duplicates.String(),
		"max residues": strconv.Itoa(o.Reader.MaxResidues),
		"validation":   strconv.FormatFloat(o.Split.Validation, 'g', -1, 64),
		"seed":         strconv.FormatUint(o.Split.Seed, 10),
		"groups":       cmp.Or(o.Grouping.method(), "not given"),
		"shard tokens": strconv.FormatInt(o.ShardTokens, 10),
	}
	if v.Tokenizer == nil {
		s["vocab-size"] = strconv.Itoa(o.VocabSize)
		s["training residues"] = strconv.FormatInt(o.TrainResidues, 10)
	} else {
		s["tokenizer"] = fmt.Sprintf("%d tokens, end of text %d, SHA-256 %s", v.Tokenizer.VocabSize(), v.EndOfText, cmp.Or(v.SHA256, "not given"))
	}
	file := func(role, name string) error {
		if name == "-" {
			s[role] = stdinName
			return nil
		}
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		s[role] = fmt.Sprintf("%s of %d bytes from %s", name, info.Size(), info.ModTime().UTC().Format("2006-01-02T15:04:05.999999999Z"))
		return nil
	}
	for i, name := range o.Inputs {
		if err := file(fmt.Sprintf("input %d", i+1), name); err != nil {
			return nil, err
		}
	}
	if o.Grouping.Clusters != "" {
		return s, file("clusters", o.Grouping.Clusters)
	}
	return s, nil
}

// progress tells the caller, one call at a time and never backwards.
func (p *preparation) progress(phase string, done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if phase != p.phase {
		p.phase, p.most = phase, 0
	}
	p.most = max(p.most, done)
	p.opts.Progress(phase, p.most, total)
}

func (p *preparation) closeFiles() {
	if p.journal != nil {
		p.journal.Close()
	}
	if p.ledger != nil {
		p.ledger.close()
	}
}
