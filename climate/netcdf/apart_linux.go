//go:build cgo && !nonetcdf

package netcdf

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"runtime"
	"sync"
)

// apart is a file that other processes read: one, and more when the file is
// read in order and there is reason to read ahead.
type apart struct {
	in        input
	variables []*Variable
	digest    [sha256.Size]byte // of the content

	mu      sync.Mutex
	workers []*worker
	streams []stream // of the variables
	ahead   int      // bytes that are read ahead
}

// tries is how often a request is made anew when its process ended for another
// reason than the request.
const tries = 3

func openApart(in input) (source, content, bool, error) {
	if !isolated.Load() {
		return nil, content{}, false, nil
	}
	p := &apart{in: in}
	for range tries {
		w, b, err := p.hire()
		if err == errAgain {
			continue
		}
		if err != nil {
			in.f.Close()
			return nil, content{}, true, err
		}
		c, err := decodeContent(b)
		if err != nil {
			w.stop()
			in.f.Close()
			return nil, c, true, err
		}
		p.digest = sha256.Sum256(b)
		p.workers = []*worker{w}
		c.walk(func(_ string, v *Variable) { p.variables = append(p.variables, v) })
		p.streams = make([]stream, len(p.variables))
		return p, c, true, nil
	}
	in.f.Close()
	return nil, content{}, true, errAgain
}

// hire has a process open the file.
func (p *apart) hire() (*worker, []byte, error) {
	w, err := takeWorker()
	if err != nil {
		return nil, nil, err
	}
	w.patience = patience(p.in.size)
	a := &ask{kind: frameContent}
	if err := w.call(a, p.in.f, askOpen, int(p.in.size), int(p.in.at)); err != nil {
		return nil, nil, err
	}
	return w, a.content, nil
}

// more is one more process that has the same file open.
func (p *apart) more() (*worker, error) {
	w, b, err := p.hire()
	if err != nil {
		return nil, err
	}
	if d := sha256.Sum256(b); !bytes.Equal(d[:], p.digest[:]) {
		w.stop()
		return nil, errors.New("the file has changed since it was opened; open it again")
	}
	p.workers = append(p.workers, w)
	return w, nil
}

// mostWorkers of one file read ahead at once.
func mostWorkers() int { return min(runtime.GOMAXPROCS(0), 4) }

// worker is who is to read a variable now. The caller has p.mu.
func (p *apart) worker(at int) (*worker, error) {
	for i := 0; i < len(p.workers); {
		if p.workers[i].busy() < 1<<30 {
			i++
			continue
		}
		p.workers = append(p.workers[:i], p.workers[i+1:]...)
		for k := range p.streams { // whoever was to read them
			p.streams[k].worker = nil
		}
	}
	if w := p.streams[at].worker; w != nil {
		return w, nil
	}
	if len(p.workers) == 0 {
		return p.more()
	}
	best := p.workers[0]
	for _, w := range p.workers[1:] {
		if w.busy() < best.busy() {
			best = w
		}
	}
	return best, nil
}

func (p *apart) read(at int, start, count []int, into []byte) error {
	a := p.take(at, start, count)
	if a != nil {
		<-a.done
		if a.err == nil {
			copy(into, a.into)
			p.readAhead(at, start, count, a.into)
			return nil
		}
		p.forget(a)
	}
	var err error
	for range tries {
		if err = p.demand(at, start, count, into, a == nil); err != errAgain {
			break
		}
	}
	return err
}

// demand reads now.
func (p *apart) demand(at int, start, count []int, into []byte, follow bool) error {
	p.mu.Lock()
	w, err := p.worker(at)
	if err != nil {
		p.mu.Unlock()
		return err
	}
	a := &ask{kind: frameValues, of: p.variables[at].Type, into: into}
	w.send(a, nil, askRead, slab(at, start, count)...)
	p.mu.Unlock()
	if follow {
		p.readAhead(at, start, count, nil)
	}
	<-a.done
	return a.err
}

func slab(at int, start, count []int) []int {
	words := make([]int, 0, 1+2*len(start))
	return append(append(append(words, at), start...), count...)
}

// close lets the processes have another file; one that has not answered yet
// ends.
func (p *apart) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.workers {
		if w.busy() > 0 {
			w.stop()
			continue
		}
		w.write(appendRequest(nil, askClose), nil)
		giveWorker(w)
	}
	p.workers = nil
	p.reserve(-p.ahead)
	return p.in.f.Close()
}
