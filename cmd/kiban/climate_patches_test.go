package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestFittingPatch(t *testing.T) {
	for _, x := range []struct {
		rows, columns, most, patch int
		ok                         bool
	}{
		{32, 64, 4, 4, true}, {2, 2, 4, 2, true}, {8, 15, 4, 1, true}, {27, 49, 4, 1, false}, {73, 144, 4, 1, false},
		{180, 360, 4, 12, true}, // 4,050 patches of 4x4 are many, and 900 of 10x10 would do, too
	} {
		if p, ok := fittingPatch(x.rows, x.columns, x.most); ok != x.ok || x.rows%p != 0 || x.columns%p != 0 || ok && x.rows/p*(x.columns/p) > manyPatches || x.rows < 180 && p != x.patch {
			t.Errorf("%dx%d: patches of %d, %t; wanted %d, %t", x.rows, x.columns, p, ok, x.patch, x.ok)
		}
	}
}

// What prepare says comes next must work, as must what follows from that, on a
// grid that the usual patch does not divide.
func TestClimateNext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "tas_Amon_TEST_historical_r1i1p1f1_gn_200001-200412.nc")
	climateFile(t, file, "tas", "air_temperature", "K", "r1i1p1f1", 60, func(m, cell int) float32 { return float32(280 + m%12 + cell%16) })
	follow := func(stderr string, more ...string) string {
		t.Helper()
		_, next, ok := strings.Cut(stderr, "next: kiban ")
		if !ok {
			t.Fatalf("no next command in %s", stderr)
		}
		next, _, _ = strings.Cut(next, "\n")
		args := append(strings.Fields(next), more...)
		_, stderr, code := kiban(t.Context(), "", args...)
		if code != 0 {
			t.Fatalf("kiban %s: code %d: %s", strings.Join(args, " "), code, stderr)
		}
		return stderr
	}
	data := filepath.Join(dir, "data")
	_, stderr, code := kiban(t.Context(), "", "climate", "prepare", file, "-o", data, "--val", "2003", "--test", "2004", "--region", "0,112.5,-57,57")
	if code != 0 || !strings.Contains(stderr, "pretrain "+data+" -o run --patch 3") { // 6x6 cells
		t.Fatalf("code %d: %s", code, stderr)
	}
	quick := []string{"--device", "cpu", "--threads", "1", "--progress", "none"}
	run := filepath.Join(dir, "run")
	stderr = follow(stderr, append(quick, "-o", run, "--precision", "f32", "--width", "16", "--layers", "1", "--heads", "2", "--max-steps", "4")...)
	if !strings.Contains(stderr, "next: kiban climate forecast") { // no part of the region is North America
		t.Errorf("%s", stderr)
	}
	follow(stderr, append(quick, "-o", filepath.Join(dir, "forecast.nc"))...)

	// Of several data sets a model is fine-tuned on one, and then forecasts.
	other := filepath.Join(dir, "other")
	must(t, "climate", "prepare", file, "-o", other, "--val", "2002", "--test", "2003", "--region", "0,112.5,-57,57")
	both := append(quick, "--precision", "f32", "--max-steps", "4")
	_, stderr, code = kiban(t.Context(), "", append([]string{"climate", "pretrain", data, other, "-o", run, "-O", "--width", "16", "--layers", "1", "--heads", "2", "--patch", "3"}, both...)...)
	if code != 0 || !strings.Contains(stderr, "damped of 2m_temperature") {
		t.Fatalf("code %d: %s", code, stderr)
	}
	fine := filepath.Join(dir, "fine")
	stderr = follow(stderr, append(both, "-o", fine)...)
	follow(stderr, append(quick, "-o", filepath.Join(dir, "forecast.nc"), "-O")...)

	// Of one time nothing can be forecast.
	_, stderr, code = kiban(t.Context(), "", "climate", "prepare", file, "-o", data, "-O", "--time", "2000-01")
	if code != 0 {
		t.Fatalf("code %d: %s", code, stderr)
	}
	follow(stderr, "-o", filepath.Join(dir, "map.png"))

	// A grid that has too many patches is brought to another.
	_, stderr, code = kiban(t.Context(), "", "climate", "prepare", file, "-o", data, "-O", "--val", "2003", "--test", "2004", "--grid", "1")
	if code != 0 || !strings.Contains(stderr, "pretrain "+data+" -o run --patch ") {
		t.Errorf("code %d: %s", code, stderr)
	}
}
