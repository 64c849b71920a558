package tensor

import (
	"fmt"
	"math"
	"testing"
)

func TestHalfRoundTrip(t *testing.T) {
	for h := 0; h < 1<<16; h++ {
		if f := FromBF16(uint16(h)); f == f {
			if got := ToBF16(f); got != uint16(h) {
				t.Fatalf("bf16 %#04x -> %g -> %#04x", h, f, got)
			}
		}
		if f := FromF16(uint16(h)); f == f {
			if got := ToF16(f); got != uint16(h) {
				t.Fatalf("f16 %#04x -> %g -> %#04x", h, f, got)
			}
		}
	}
}

func TestHalfRounding(t *testing.T) {
	// Between two neighbours the nearer wins, and the even one on a tie.
	for h := uint16(0); h < 0x7bff; h++ {
		lo, hi := FromF16(h), FromF16(h+1)
		even := h + h&1
		mid := float32((float64(lo) + float64(hi)) / 2)
		if got := ToF16(mid); got != even {
			t.Fatalf("f16 tie between %g and %g gave %#04x, want %#04x", lo, hi, got, even)
		}
		if got := ToF16(math.Nextafter32(mid, hi)); got != h+1 {
			t.Fatalf("f16 above the tie at %g gave %#04x, want %#04x", mid, got, h+1)
		}
	}
	for _, c := range []struct {
		f    float32
		want uint16
	}{{65504, 0x7bff}, {65519.996, 0x7bff}, {65520, 0x7c00}, {float32(math.Inf(-1)), 0xfc00}, {1e-9, 0}} {
		if got := ToF16(c.f); got != c.want {
			t.Errorf("ToF16(%g) = %#04x, want %#04x", c.f, got, c.want)
		}
	}
	if f := FromF16(ToF16(float32(math.NaN()))); f == f {
		t.Error("f16 lost a NaN")
	}
	if f := FromBF16(ToBF16(math.Float32frombits(0x7f800001))); f == f {
		t.Error("bf16 turned a NaN into infinity")
	}
}

func TestWrap(t *testing.T) {
	buf := make([]byte, 9)
	if _, err := Wrap(F32, buf[:8], 3); err == nil {
		t.Error("8 bytes became three floats")
	}
	if _, err := Wrap(F32, buf[1:9], 2); err == nil {
		t.Error("misaligned data was accepted")
	}
}

func TestIntegers(t *testing.T) {
	for _, dt := range []DType{I16, I8, Bool} {
		back, err := ParseDType(dt.String())
		if err != nil || back != dt {
			t.Errorf("%v became %v: %v", dt, back, err)
		}
		x := New(dt, 3)
		for i, v := range []float64{0, 1, -2} {
			x.Set(i, v)
		}
		want := "[0 1 -2]"
		if dt == Bool {
			want = "[0 1 1]"
		}
		if got := fmt.Sprint(x.Convert(F32).Float32()); got != want || len(x.Bytes()) != 3*dt.Size() {
			t.Errorf("%v: %v, want %v", dt, got, want)
		}
	}
}

func ExampleTensor_Convert() {
	t := Of([]float32{1, 1.001, 3.14159}, 3)
	h := t.Convert(BF16)
	fmt.Println(h, h.At(1), h.At(2))
	// Output: bf16[3] 1 3.140625
}
