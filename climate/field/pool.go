package field

import (
	"errors"
	"sync"

	"github.com/kiban-models/kiban/climate/netcdf"
)

// mostOpen is how many files a series keeps open; a series may have thousands.
const mostOpen = 16

// pool keeps the files that were read last open.
type pool struct {
	mu    sync.Mutex
	files map[string]*pooled
	order []string // the one read last is last
	shut  bool
}

type pooled struct {
	f    *netcdf.File
	uses int
}

var errClosed = errors.New("field: the series is closed")

// with calls use with an open file.
func (p *pool) with(path string, use func(*netcdf.File) error) error {
	x, err := p.take(path)
	if err != nil {
		return err
	}
	return errors.Join(use(x.f), p.release(path, x))
}

func (p *pool) take(path string) (*pooled, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return nil, errClosed
	}
	x, ok := p.files[path]
	if !ok {
		f, err := netcdf.Open(path)
		if err != nil {
			return nil, err
		}
		x = &pooled{f: f}
		if p.files == nil {
			p.files = map[string]*pooled{}
		}
		p.files[path] = x
	}
	x.uses++
	p.touch(path)
	return x, nil
}

func (p *pool) touch(path string) {
	for i, s := range p.order {
		if s == path {
			p.order = append(p.order[:i], p.order[i+1:]...)
			break
		}
	}
	p.order = append(p.order, path)
}

// release closes the files that are idle and too many.
func (p *pool) release(path string, x *pooled) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	x.uses--
	if p.shut {
		if x.uses == 0 {
			return x.f.Close()
		}
		return nil
	}
	var errs []error
	for i := 0; i < len(p.order) && len(p.order) > mostOpen; {
		old := p.files[p.order[i]]
		if old.uses > 0 {
			i++
			continue
		}
		errs = append(errs, old.f.Close())
		delete(p.files, p.order[i])
		p.order = append(p.order[:i], p.order[i+1:]...)
	}
	return errors.Join(errs...)
}

// close closes what is idle; a file in use is closed by its last user.
func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	if !p.shut {
		for _, x := range p.files {
			if x.uses == 0 {
				errs = append(errs, x.f.Close())
			}
		}
	}
	p.shut = true
	return errors.Join(errs...)
}
