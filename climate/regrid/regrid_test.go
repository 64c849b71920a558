package regrid

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kiban-models/kiban/climate/field"
)

func grid(t testing.TB, lat, lon []float64) *field.Grid {
	t.Helper()
	g, err := field.NewGrid(lat, lon, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func target(t testing.TB, s string) *field.Grid {
	t.Helper()
	g, err := ParseTarget(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func apply(t testing.TB, source, target *field.Grid, m Method, src []float32, minValid float64) []float32 {
	t.Helper()
	w, err := New(source, target, m)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, target.Size())
	if err := w.Apply(dst, src, minValid); err != nil {
		t.Fatal(err)
	}
	return dst
}

// world is a random global grid: edges anywhere, rows either way, columns from
// anywhere.
func world(t testing.TB, r *rand.Rand) *field.Grid {
	cuts := func(n int, low, high float64) []float64 {
		x := []float64{low}
		for range n - 1 {
			x = append(x, low+(high-low)*r.Float64())
		}
		x = append(x, high)
		slices.Sort(x)
		return x
	}
	cells := func(edges []float64) (x []float64, b [][2]float64) {
		for i := range edges[1:] {
			x = append(x, (edges[i]+edges[i+1])/2)
			b = append(b, [2]float64{edges[i], edges[i+1]})
		}
		return x, b
	}
	lat, latBounds := cells(cuts(2+r.IntN(12), -90, 90))
	origin := -360 + 500*r.Float64()
	lon, lonBounds := cells(cuts(2+r.IntN(20), origin, origin+360))
	if r.IntN(2) == 0 {
		slices.Reverse(lat)
		slices.Reverse(latBounds)
	}
	g, err := field.NewGrid(lat, lon, latBounds, lonBounds)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func noise(r *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(250 + 100*r.Float64())
	}
	return out
}

func integral(g *field.Grid, x []float32) float64 {
	sum := 0.0
	for i, a := range g.Areas() {
		sum += a * float64(x[i])
	}
	return sum
}

// The integral over the sphere stays, and no value leaves the range of the source.
func TestConservativeKeepsIntegral(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	worst := 0.0
	for range 300 {
		from, to := world(t, r), world(t, r)
		src := noise(r, from.Size())
		dst := apply(t, from, to, Conservative, src, 1)
		want := integral(from, src)
		worst = max(worst, math.Abs(integral(to, dst)-want)/want)
		if low, high := slices.Min(src), slices.Max(src); slices.Min(dst) < low-1e-3 || slices.Max(dst) > high+1e-3 {
			t.Fatalf("values %g to %g became %g to %g", low, high, slices.Min(dst), slices.Max(dst))
		}
	}
	if worst > 1e-6 {
		t.Errorf("the integral changes by %.2g", worst)
	}
	t.Logf("largest relative change of the integral %.2g", worst)
}

// With missing values the integral over what is valid stays: values times the
// part of each target that is valid.
func TestConservativeValidPart(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		from, to := world(t, r), world(t, r)
		src, ones := noise(r, from.Size()), make([]float32, from.Size())
		for i := range src {
			ones[i] = 1
			if r.IntN(3) == 0 {
				src[i], ones[i] = float32(math.NaN()), 0
			}
		}
		dst, part := apply(t, from, to, Conservative, src, 0), apply(t, from, to, Conservative, ones, 0)
		got, want := 0.0, 0.0
		for i, a := range to.Areas() {
			if !isNaN(dst[i]) {
				got += a * float64(dst[i]) * float64(part[i])
			} else if part[i] > 1e-6 {
				t.Fatalf("target %d has a valid part of %g and no value", i, part[i])
			}
		}
		for i, a := range from.Areas() {
			if ones[i] == 1 {
				want += a * float64(src[i])
			}
		}
		if math.Abs(got-want) > 2e-6*want {
			t.Fatalf("integral %g, want %g", got, want)
		}
		strict := apply(t, from, to, Conservative, src, 0.5)
		for i := range strict {
			if isNaN(strict[i]) != (part[i] < 0.5) && math.Abs(float64(part[i])-0.5) > 1e-5 {
				t.Fatalf("target %d has a valid part of %g; value with half of it asked for: %g", i, part[i], strict[i])
			}
		}
	}
}

// What is linear in latitude and, away from the seam, in longitude is kept.
func TestBilinearKeepsLinear(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	plane := func(lat, lon float64) float64 { return 3 + 0.5*lat - 0.25*lon + 0.01*lat*lon }
	for range 50 {
		lat, lon := []float64{-40}, []float64{100}
		for lat[len(lat)-1] < 50 {
			lat = append(lat, lat[len(lat)-1]+1+8*r.Float64())
		}
		for lon[len(lon)-1] < 190 {
			lon = append(lon, lon[len(lon)-1]+1+8*r.Float64())
		}
		if r.IntN(2) == 0 {
			slices.Reverse(lat)
		}
		from := grid(t, lat, lon)
		var src []float32
		for _, y := range lat {
			for _, x := range lon {
				src = append(src, float32(plane(y, x)))
			}
		}
		to := grid(t, []float64{-39, 0.3, 7, 49}, []float64{-255, -200, -180, -175})
		for i, v := range apply(t, from, to, Bilinear, src, 1) {
			want := plane(to.Lat[i/4], to.Lon[i%4]+360)
			if math.Abs(float64(v)-want) > 1e-4 {
				t.Fatalf("%g at %g %g, want %g", v, to.Lat[i/4], to.Lon[i%4], want)
			}
		}
	}
}

// Every method gives a field on its own grid back bit for bit, also when the
// rows are turned and the columns begin elsewhere, and also around missing values.
func TestIdentity(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	from := target(t, "8x16")
	src := noise(r, from.Size())
	src[5], src[77] = float32(math.NaN()), float32(math.NaN())
	lat := slices.Clone(from.Lat)
	slices.Reverse(lat)
	var lon []float64
	for i := range 16 {
		lon = append(lon, -180+22.5*float64(i))
	}
	to := grid(t, lat, lon)
	for _, m := range []Method{Bilinear, Chord, Conservative, Nearest} {
		for i, got := range apply(t, from, to, m, src, 1) {
			want := src[(7-i/16)*16+(i%16+8)%16]
			if isNaN(got) != isNaN(want) || !isNaN(got) && math.Abs(float64(got-want)) > 1e-4 {
				t.Errorf("%s: target %d is %g, want %g", m, i, got, want)
			}
		}
		for i, got := range apply(t, from, from, m, src, 1) {
			if math.Float32bits(got) != math.Float32bits(src[i]) && !(isNaN(got) && isNaN(src[i])) {
				t.Errorf("%s: cell %d on its own grid is %g, want %g", m, i, got, src[i])
			}
		}
	}
}

// The shares of Chord are those of the one point of a flat quadrilateral that
// the ray to the target meets: in space, they add the corners up to the ray.
func TestChordIsTheRay(t *testing.T) {
	point := func(lat, lon float64) [3]float64 {
		s, c := math.Sincos(lat * math.Pi / 180)
		u, v := math.Sincos(lon * math.Pi / 180)
		return [3]float64{c * v, c * u, s}
	}
	r := rand.New(rand.NewPCG(9, 10))
	for _, name := range []string{"6x12", "12x24", "13x24"} {
		from := target(t, name)
		lat, lon := []float64{-90, 90}, []float64{}
		for range 40 {
			lat, lon = append(lat, -90+180*r.Float64()), append(lon, 360*r.Float64())
		}
		slices.Sort(lat)
		slices.Sort(lon)
		to := grid(t, lat, lon)
		w, err := New(from, to, Chord)
		if err != nil {
			t.Fatal(err)
		}
		for k := range to.Size() {
			var sum [3]float64
			total, polar := 0.0, 0.0
			for e := w.start[k]; e < w.start[k+1]; e++ {
				p := point(from.Lat[int(w.from[e])/len(from.Lon)], from.Lon[int(w.from[e])%len(from.Lon)])
				for i := range sum {
					sum[i] += w.share[e] * p[i]
				}
				total += w.share[e]
			}
			x := point(to.Lat[k/len(lon)], to.Lon[k%len(lon)])
			if int(w.start[k+1]-w.start[k]) > 4 { // the pole has part: its point is on the sphere, not in the plane of the last row
				last := from.Lat[0]
				if x[2] > 0 {
					last = from.Lat[len(from.Lat)-1]
				}
				shares := slices.Sorted(slices.Values(w.share[w.start[k]:w.start[k+1]]))
				polar = shares[len(shares)/2] * float64(len(from.Lon)) // all but two are alike
				sum[2] += polar * (math.Copysign(1, x[2]) - math.Sin(last*math.Pi/180))
			}
			length := math.Sqrt(sum[0]*sum[0] + sum[1]*sum[1] + sum[2]*sum[2])
			for i := range x {
				if math.Abs(sum[i]/length-x[i]) > 1e-9 || math.Abs(total-1) > 1e-12 {
					t.Fatalf("%s: target %g %g: shares add up to %v along %v (pole %g), want %v", name, to.Lat[k/len(lon)], to.Lon[k%len(lon)], total, sum, polar, x)
				}
			}
		}
	}
}

// The difference between the two bilinear methods falls as the square of the
// spacing.
func TestChordNearBilinear(t *testing.T) {
	difference := func(name string) float64 {
		from, to := target(t, name), grid(t, []float64{-33, 0, 12.3, 44, 61}, []float64{1, 77, 200.2, 301})
		var src []float32
		for _, y := range from.Lat {
			for _, x := range from.Lon {
				src = append(src, float32(100*math.Sin(y*math.Pi/60)*math.Cos(x*math.Pi/90)))
			}
		}
		a, b := apply(t, from, to, Bilinear, src, 1), apply(t, from, to, Chord, src, 1)
		worst := 0.0
		for i := range a {
			worst = max(worst, math.Abs(float64(a[i]-b[i])))
		}
		return worst
	}
	coarse, fine := difference("30x60"), difference("120x240")
	if coarse == 0 || fine > coarse/8 {
		t.Errorf("differences %g at 6 degrees and %g at 1.5", coarse, fine)
	}
	t.Logf("of values to 100: differences %.2g at 6 degrees, %.2g at 1.5", coarse, fine)
}

// Beyond the last row lies a pole with the row's mean.
func TestPoles(t *testing.T) {
	from := target(t, "4x8") // rows -67.5 to 67.5
	src := make([]float32, 32)
	for i := range src {
		src[i] = float32(i)
	}
	to := grid(t, []float64{-90, -78.75, 78.75, 90}, []float64{0, 90})
	want := []float64{3.5, 3.5, 1.75, 2.75, (24 + 27.5) / 2, (26 + 27.5) / 2, 27.5, 27.5}
	for i, v := range apply(t, from, to, Bilinear, src, 1) {
		if math.Abs(float64(v)-want[i]) > 1e-5 {
			t.Errorf("target %d is %g, want %g", i, v, want[i])
		}
	}
	for _, m := range []Method{Bilinear, Chord, Nearest, Conservative} {
		band := grid(t, []float64{-30, -10, 10, 30}, from.Lon)
		for i, v := range apply(t, band, grid(t, []float64{70, 80}, []float64{0, 90}), m, src, 0) {
			if !isNaN(v) {
				t.Errorf("%s: target %d beyond a band of 40 degrees is %g, want none", m, i, v)
			}
		}
	}
}

// A target is reached if the source covers half of it, and has the value of what
// is covered.
func TestCovered(t *testing.T) {
	bounds := func(lat [2]float64) *field.Grid {
		g, err := field.NewGrid([]float64{(lat[0] + lat[1]) / 2}, []float64{10}, [][2]float64{lat}, [][2]float64{{0, 20}})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	for _, x := range []struct {
		north float64
		want  bool
	}{{30, true}, {44, true}, {50, true}, {89, false}} { // sin 44.4 is 2 sin 20.5
		from, to := bounds([2]float64{0, 20.5}), bounds([2]float64{0, x.north})
		if x.north == 50 {
			from = bounds([2]float64{0, 23})
		}
		w, err := New(from, to, Conservative)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, 1)
		if err := w.Apply(got, []float32{7}, 1); err != nil {
			t.Fatal(err)
		}
		if covered := w.Covered()[0]; (covered >= 0.5) != x.want || isNaN(got[0]) == x.want || x.want && got[0] != 7 {
			t.Errorf("to %g degrees: covered %.3f, value %g", x.north, covered, got[0])
		}
	}
}

func TestNewRefuses(t *testing.T) {
	world := target(t, "8x16")
	point := grid(t, []float64{10}, []float64{20})
	overlapping, err := field.NewGrid([]float64{-45, 45}, []float64{0, 180}, [][2]float64{{-90, 30}, {-30, 90}}, [][2]float64{{-90, 90}, {90, 270}})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		from, to *field.Grid
		m        Method
		want     string
	}{
		{world, point, Conservative, "target latitude 10 has bounds 10 and 10: no height; give bounds, or use nearest"},
		{overlapping, world, Conservative, "bounds overlap"},
		{grid(t, []float64{-80, 80}, []float64{0, 180}), world, Chord, "180 degrees apart"},
		{world, world, "cubic", "wanted bilinear, chord, conservative or nearest"},
	} {
		if _, err := New(x.from, x.to, x.m); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v, want %s", err, x.want)
		}
	}
	w, err := New(world, world, Nearest)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Apply(make([]float32, 128), make([]float32, 127), 0); err == nil {
		t.Error("a field of another size was regridded")
	}
	if err := w.Apply(make([]float32, 128), make([]float32, 128), math.NaN()); err == nil {
		t.Error("a valid part of NaN was taken")
	}
}

func TestParseTarget(t *testing.T) {
	for _, x := range []struct {
		in                 string
		rows, columns      int
		first, second, lon float64
	}{
		{"5.625", 32, 64, -87.1875, -81.5625, 5.625},
		{"32x64", 32, 64, -87.1875, -81.5625, 5.625},
		{"1.40625deg", 128, 256, -89.296875, -87.890625, 1.40625},
		{"2.8125", 64, 128, -88.59375, -85.78125, 2.8125},
		{"121x240", 121, 240, -90, -88.5, 1.5},
		{"721x1440", 721, 1440, -90, -89.75, 0.25},
		{" 0.25 ", 720, 1440, -89.875, -89.625, 0.25},
	} {
		g, err := ParseTarget(x.in)
		if err != nil {
			t.Error(err)
			continue
		}
		sum := 0.0
		for _, a := range g.Areas() {
			sum += a
		}
		if g.Rows() != x.rows || g.Columns() != x.columns || g.Lat[0] != x.first || g.Lat[1] != x.second || g.Lon[0] != 0 || g.Lon[1] != x.lon || math.Abs(sum-4*math.Pi) > 1e-9 || !g.Global() {
			t.Errorf("%q: %dx%d from %g %g by %g, area %g", x.in, g.Rows(), g.Columns(), g.Lat[0], g.Lat[1], g.Lon[1], sum)
		}
	}
	for in, want := range map[string]string{
		"64x32": "32x64", "7": "does not divide 180", "0": "does not divide 180", "NaN": "does not divide 180", "-5": "does not divide 180",
		"axb": "rows x columns", "": "degrees such as 5.625", "1x1": "rows x columns", "40000x80000": "too fine", "0.001": "at least 0.01",
	} {
		if _, err := ParseTarget(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

func FuzzTargetSize(f *testing.F) {
	for _, s := range []string{"5.625", "32x64", "121x240", "1e-2deg", "0x0", "x", "-0", "+5x+9", "1e999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if rows, columns, err := targetSize(s); err == nil && (rows < 2 || columns < rows || rows > 1<<15 || columns > 1<<16) {
			t.Errorf("%q: %dx%d", s, rows, columns)
		}
	})
}

func BenchmarkApply(b *testing.B) {
	from, to := target(b, "181x360"), target(b, "32x64")
	src := noise(rand.New(rand.NewPCG(1, 1)), from.Size())
	for _, m := range []Method{Bilinear, Conservative} {
		w, err := New(from, to, m)
		if err != nil {
			b.Fatal(err)
		}
		dst := make([]float32, to.Size())
		b.Run(string(m), func(b *testing.B) {
			b.SetBytes(int64(4 * len(src)))
			for b.Loop() {
				if err := w.Apply(dst, src, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
