package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Each element comes back to within half a scale, the largest of a channel as it
// was, and the scale is the smallest that does so.
func TestInt8(t *testing.T) {
	for _, s := range [][2]int{{1, 1}, {1, 9}, {9, 1}, {17, 33}} {
		for _, columns := range []bool{false, true} {
			for _, dt := range []DType{F32, BF16} {
				r := rand.New(rand.NewPCG(1, uint64(s[0])))
				x := New(F32, s[0], s[1])
				for i := range x.Len() {
					x.Set(i, r.NormFloat64()*math.Exp(4*r.NormFloat64()))
				}
				x = x.Convert(dt)
				bytes, scales := x.Int8(columns)
				back := FromInt8(bytes, scales)
				channels := s[0]
				if columns {
					channels = s[1]
				}
				if scales.Len() != channels || bytes.DType() != I8 {
					t.Fatalf("%v became %v of scales %v", x, bytes, scales)
				}
				largest := make([]int, channels)
				for i := range x.Len() {
					c := i / s[1]
					if columns {
						c = i % s[1]
					}
					scale := scales.At(c)
					if e := math.Abs(back.At(i) - x.At(i)); !(e <= scale*0.50001) {
						t.Errorf("%v: element %d is %g and came back as %g, with a scale of %g", x, i, x.At(i), back.At(i), scale)
					}
					if b := int(math.Abs(bytes.At(i))); b > largest[c] {
						largest[c] = b
					}
				}
				for c, b := range largest {
					if b != 127 {
						t.Errorf("%v: the largest byte of channel %d is %d", x, c, b)
					}
				}
			}
		}
	}
}

// Ties go to the even byte, and a channel of zeros, or of what is nearly so, is
// one of zeros.
func TestInt8Edges(t *testing.T) {
	x := Of([]float32{127, 0.5, 1.5, -2.5, 0, 0, 0, 0, 1e-38, -1e-40, 0, 0, -3e38, 1.5e38, 3e38, 0}, 4, 4)
	bytes, scales := x.Int8(false)
	if got, want := fmt.Sprint(bytes.Int8s()), "[127 0 2 -2 0 0 0 0 0 0 0 0 -127 64 127 0]"; got != want {
		t.Errorf("got %v, wanted %v", got, want)
	}
	if s := scales.Float32(); s[0] != 1 || s[1] != 0 || s[2] != 0 {
		t.Errorf("scales %v", s)
	}
}

func ExampleTensor_Int8() {
	w := Of([]float32{0.5, -1, 0.25, 30, 10, -20}, 2, 3) // a channel a row
	bytes, scales := w.Int8(false)
	fmt.Println(bytes.Int8s(), scales)
	fmt.Printf("%.3f\n", FromInt8(bytes, scales).Float32())
	// Output:
	// [64 -127 32 127 42 -85] f32[2 1]
	// [0.504 -1.000 0.252 30.000 9.921 -20.079]
}

func BenchmarkInt8(b *testing.B) {
	x := New(F32, 3072, 768)
	for i := range x.Len() {
		x.Set(i, float64(i%257)-128)
	}
	for _, columns := range []bool{false, true} {
		b.Run(fmt.Sprintf("columns=%t", columns), func(b *testing.B) {
			b.SetBytes(int64(len(x.Bytes())))
			for b.Loop() {
				x.Int8(columns)
			}
		})
	}
}
