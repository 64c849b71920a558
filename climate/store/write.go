package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/core/dataset"
)

// Write makes the store. Equal inputs and options give equal bytes, however
// often the work was interrupted.
//
// What is finished when ctx ends, the disk is full, or the process is killed is
// kept beside Out, and a plan with Resume goes on there. Other errors leave
// nothing.
func (p *Plan) Write(ctx context.Context) (Manifest, error) {
	o := &p.opts
	ws, err := dataset.OpenWorkspace(o.Out, ManifestFile, dataset.WorkspaceOptions{
		Overwrite: o.Overwrite, Resume: o.Resume, Unlocked: func(err error) {
			o.Warn(fmt.Sprintf("%s: %v; make sure that no other process makes it", o.Out, err))
		}})
	if err != nil {
		return Manifest{}, err
	}
	if o.Resume && ws.Published() { // killed between publishing and the end
		s, err := Open(o.Out, OpenOptions{})
		if err != nil {
			return Manifest{}, errors.Join(err, ws.Close())
		}
		m := s.manifest
		return m, errors.Join(s.Close(), ws.Discard())
	}
	w := &writer{Plan: p, ws: ws, settings: p.settings()}
	err = w.run(ctx)
	if w.journal != nil {
		err = errors.Join(err, w.journal.Close())
	}
	var place *fs.PathError
	switch {
	case err == nil:
		return p.draft, ws.Discard()
	case errors.Is(err, dataset.ErrOtherRun), o.Resume && w.journal == nil: // of others, or damaged: it stays
		return Manifest{}, errors.Join(err, ws.Close())
	case w.journal != nil && (ctx.Err() != nil || errors.As(err, &place)):
		return Manifest{}, errors.Join(fmt.Errorf("%s: %w: %w; go on with --resume", o.Out, ErrUnfinished, err), ws.Close())
	}
	return Manifest{}, errors.Join(err, ws.Discard())
}

// settings are what an interrupted run must have in common with this one.
func (p *Plan) settings() map[string]string {
	o := &p.opts
	hash := sha256.New()
	put := func(v any) { fmt.Fprintln(hash, v) }
	for _, c := range p.draft.Channels {
		put(fmt.Sprint(c.Key, c.Name, c.Units))
	}
	digest := func() string {
		s := hex.EncodeToString(hash.Sum(nil)[:8])
		hash.Reset()
		return s
	}
	out := map[string]string{"variables": fmt.Sprintf("%d (%s)", len(p.draft.Channels), digest())}
	put(p.layout.source.Lat)
	put(p.layout.source.Lon)
	put(p.layout.grid.Lat)
	put(p.layout.grid.Lon)
	put(p.layout.grid.LatBounds)
	put(p.layout.grid.LonBounds)
	out["grid"] = fmt.Sprintf("%dx%d (%s)", p.layout.grid.Rows(), p.layout.grid.Columns(), digest())
	put(p.draft.Time.Calendar)
	put(p.dates)
	out["times"] = fmt.Sprintf("%d (%s)", len(p.dates), digest())
	for _, s := range o.Sources {
		put(fmt.Sprint(s.File, s.Bytes, s.Modified.UnixNano()))
	}
	out["inputs"] = fmt.Sprintf("%d files (%s)", len(o.Sources), digest())
	if p.layout.weights != nil {
		out["method"] = fmt.Sprintf("%s with %g valid", o.Method, o.MinValid)
	}
	out["empty"] = string(o.Empty)
	out["shard"] = fmt.Sprint(p.perShard, " records")
	return out
}

// writer makes one store.
type writer struct {
	*Plan
	ws       *dataset.Workspace
	settings map[string]string
	journal  *journal
}

func (w *writer) run(ctx context.Context) error {
	if err := os.MkdirAll(w.ws.Out(), 0o777); err != nil {
		return err
	}
	var err error
	if w.journal, err = openJournal(w.ws.Dir(), w.settings); err != nil {
		return err
	}
	if err := w.checkShards(); err != nil {
		return err
	}
	if err := w.fields(ctx); err != nil {
		return err
	}
	if err := w.keepRecords(); err != nil {
		return err
	}
	if err := w.static(ctx); err != nil {
		return err
	}
	if err := w.statistics(ctx); err != nil {
		return err
	}
	// The manifest is last: without it nothing here is a store.
	if err := dataset.WriteManifest(filepath.Join(w.ws.Out(), ManifestFile), w.draft); err != nil {
		return err
	}
	return w.ws.Publish()
}

// checkShards finds which of the shards in the journal are as they were.
func (w *writer) checkShards() error {
	for i, s := range w.journal.shards {
		got, err := dataset.HashFile(filepath.Join(w.ws.Out(), s.File))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if got != s.SHA256 {
			w.opts.Warn(fmt.Sprintf("%s: %s of the interrupted run is damaged; it is made once more", w.opts.Out, s.File))
			return w.journal.again(i)
		}
	}
	return nil
}

// fields writes the shards that are not there yet.
func (w *writer) fields(ctx context.Context) error {
	next := 0
	if n := len(w.journal.shards); n > 0 {
		next = w.journal.shards[n-1].Next
	}
	ctx, cancel := context.WithCancel(ctx)
	source := w.prefetch(ctx, next)
	defer func() {
		cancel()
		for range source.blocks { // until the reading has ended
		}
	}()
	values := make([]float32, w.recordSize())
	for next < len(w.records) {
		line := shardLine{Shard: Shard{File: fmt.Sprintf("fields-%05d.bin", len(w.journal.shards))}}
		f, err := os.Create(filepath.Join(w.ws.Out(), line.File))
		if err != nil {
			return err
		}
		hash := sha256.New()
		out := bufio.NewWriterSize(io.MultiWriter(f, hash), 1<<20)
		err = func() error {
			for ; next < len(w.records) && line.Records < w.perShard; next++ {
				w.opts.Progress("writing", next, len(w.records))
				empty, err := source.record(ctx, next, values)
				if err != nil {
					return err
				}
				if empty >= 0 {
					line.Dropped = append(line.Dropped, next)
					continue
				}
				line.Records++
				if err := writeFloats(out, values); err != nil {
					return err
				}
			}
			return out.Flush()
		}()
		if err == nil {
			err = f.Sync()
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		if line.Records == 0 { // nothing but empty fields up to the end
			line.File = ""
			if err := os.Remove(f.Name()); err != nil {
				return err
			}
			w.draftDropped(line.Dropped)
			break
		}
		line.SHA256, line.Next = hex.EncodeToString(hash.Sum(nil)), next
		if err := w.journal.Write(line); err != nil {
			return err
		}
	}
	w.opts.Progress("writing", len(w.records), len(w.records))
	return nil
}

func writeFloats(w *bufio.Writer, x []float32) error {
	for _, v := range x {
		if w.Available() < 4 {
			if err := w.Flush(); err != nil {
				return err
			}
		}
		if _, err := w.Write(binary.LittleEndian.AppendUint32(w.AvailableBuffer(), math.Float32bits(v))); err != nil {
			return err
		}
	}
	return nil
}

// keepRecords takes the times that were left out from the axis.
func (w *writer) keepRecords() error {
	w.draft.Shards = []Shard{}
	for _, s := range w.journal.shards {
		w.draft.Shards = append(w.draft.Shards, s.Shard)
		w.draftDropped(s.Dropped)
	}
	if len(w.dropped) == 0 {
		return nil
	}
	var kept []record
	for i, r := range w.records {
		if !w.dropped[i] {
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 {
		return fmt.Errorf("store: no time has a value in every variable")
	}
	w.records = kept
	w.note("left out %d times at which a variable has no value", len(w.dropped))
	return w.axis()
}

func (p *Plan) draftDropped(at []int) {
	if p.dropped == nil {
		p.dropped = map[int]bool{}
	}
	for _, i := range at {
		p.dropped[i] = true
	}
}

// where names a record for an error.
func (p *Plan) where(i int) string {
	r := p.records[i]
	in := p.opts.Inputs[r.input]
	text := fmt.Sprintf("time %d (%s)", r.at, in.Series.Times[r.at])
	if in.Member != "" {
		text = "member " + in.Member + ", " + text
	}
	return text
}

// static writes what does not change in time, once.
func (w *writer) static(ctx context.Context) error {
	if len(w.draft.Static) == 0 {
		return nil
	}
	n, m := w.layout.source.Size(), w.layout.grid.Size()
	out := make([]float32, 0, len(w.draft.Static)*m)
	if len(w.fixed) > 0 {
		s := w.opts.Inputs[0].Series
		all := make([]float32, s.Size())
		if err := s.Read(ctx, w.records[0].at, all); err != nil {
			return err
		}
		one := make([]float32, m)
		for _, c := range w.fixed {
			if err := w.layout.apply(one, all[c*n:][:n]); err != nil {
				return err
			}
			if countNaN(one) == m {
				return fmt.Errorf("variable %s has no value on the grid of the store; leave it out", s.Channels[c])
			}
			out = append(out, one...)
		}
	}
	if w.opts.Latitude {
		for _, lat := range w.layout.grid.Lat {
			for range w.layout.grid.Lon {
				out = append(out, float32(lat))
			}
		}
	}
	path := filepath.Join(w.ws.Out(), staticFile)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(f)
	err = errors.Join(writeFloats(b, out), b.Flush(), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	w.draft.StaticSHA, err = dataset.HashFile(path)
	return err
}

func countNaN(x []float32) int {
	n := 0
	for _, v := range x {
		if v != v {
			n++
		}
	}
	return n
}

// yearOf tells years of members apart.
type yearOf struct {
	input, year int
}

func (p *Plan) yearOf(i int) yearOf { return yearOf{p.records[i].input, p.dates[i].Year} }
