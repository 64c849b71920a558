package train_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/core/train"
)

// Every number of a record is in the file under its tag, as Value{tag, float};
// package tfevents tests the records themselves.
func TestEvents(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs")
	e, err := train.OpenEvents(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := record(10, "train")
	r.Epoch, r.LR, r.GradNorm, r.TokensPerSec, r.LossScale = 0.25, 3e-4, 1.5, 812, 65536
	if err := e.Add(r); err != nil {
		t.Fatal(err)
	}
	if err := e.Add(record(20, "eval")); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for tag, x := range map[string]float64{
		"train/loss": 1.0 / 3, "train/perplexity": 1.4, "train/epoch": 0.25, "train/learning_rate": 3e-4, "train/grad_norm": 1.5,
		"train/tokens_per_second": 812, "train/loss_scale": 65536, "eval/loss": 1.0 / 3, "eval/perplexity": 1.4,
	} {
		value := append([]byte{0x0a, byte(len(tag))}, tag...)
		value = binary.LittleEndian.AppendUint32(append(value, 0x15), math.Float32bits(float32(x)))
		if bytes.Count(data, value) != 1 {
			t.Errorf("%s of %g is not there once", tag, x)
		}
	}
}
