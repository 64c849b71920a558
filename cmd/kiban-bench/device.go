package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/vulkan"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

// open opens the device of a measurement. A GPU is used as kiban uses it when it has
// met a program before: more of its tiles are measured when it is loaded.
func (s settings) open() (backend.Backend, error) {
	if s.device == "cpu" {
		return cpu.New(cpu.Options{Threads: s.threads, Profile: s.profile})
	}
	o := vulkan.Options{Index: -1, AllowSoftware: true}
	if _, n, ok := strings.Cut(s.device, ":"); ok {
		var err error
		if o.Index, err = strconv.Atoi(n); err != nil {
			return nil, err
		}
	}
	if dir, err := os.UserCacheDir(); err == nil {
		o.Cache, o.Tune = filepath.Join(dir, "kiban", "vulkan"), 15*time.Second
	}
	return vulkan.Open(o)
}

// put gives a device random weights: of the spread that is declared, but
// uniform, since the normal ones of a large model take a minute to draw.
func put(b backend.Backend, declared []nn.Declared) error {
	fresh := nn.Fresh{Seed: 1, Params: slices.Clone(declared)}
	for i := range fresh.Params {
		x := &fresh.Params[i].Init
		*x = nn.Init{Mean: x.Mean, Bound: max(x.Bound, 1.732*x.Std)}
	}
	scales := map[string]*tensor.Tensor{} // of what is in 8 bits; they come after it
	for _, d := range declared {
		x, err := fresh.Tensor(d.Name)
		switch scale := scales[d.Name]; {
		case scale != nil:
			x = scale
		case err == nil && d.DType == tensor.I8:
			columns := slices.ContainsFunc(declared, func(s nn.Declared) bool {
				return s.Name == d.Name+tensor.ScaleSuffix && s.Shape[0] == 1
			})
			x, scales[d.Name+tensor.ScaleSuffix] = x.Int8(columns)
		}
		if err == nil {
			err = b.Put(d.Name, x.Convert(d.DType))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// policies of the two precisions: weights in the type for inference, f32 masters
// for training.
func policy(half, training bool) nn.Policy {
	var p nn.Policy
	if half {
		p.Compute = tensor.BF16
		if !training {
			p.Params = tensor.BF16
		}
	}
	return p
}

func precision(half bool) string {
	if half {
		return "bf16"
	}
	return "f32"
}

func arithmetic(half bool) limit {
	if half {
		return arithmetic16
	}
	return arithmetic32
}
