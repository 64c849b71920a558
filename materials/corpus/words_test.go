package corpus

import (
	"strings"
	"testing"
	"time"
)

// wordCases are sentences whose words are divided by blanks, and what is
// divided without one by "¦".
var wordCases = []string{
	"The film is thick¦.",
	"The film (¦100 nm¦)¦, which is thick¦, broke¦.",
	"Sr(NO3)2 and (La,Sr)MnO3−δ were mixed¦.",
	"(¦Ba,Sr¦)",
	"It was heated at 600 °¦C and 5 ¦%¦.",
	"It was heated at 600¦°¦C¦.",
	"5 wt.¦% Ni",
	"CuSO4·5H2O and Fe(NO3)3·9H2O",
	"low¦-¦temperature cells and co-doped anode¦-¦supported ones",
	"X-ray and c-axis but p¦-¦type and Y¦-¦doped",
	"a volume¦-¦to¦-¦surface ratio",
	"Sr-Fe-Mo-oxide",
	"1-dodecanethiol and 2,5-dimethyl",
	"10 mA·cm−2 and min−1",
	"5 S¦/¦cm",
	"a gap of 20¦nm or 5¦mV and 2.5¦g but 5g",
	"−¦5 V and 10¦−¦20",
	"an I¦−¦V curve",
	"Boltzmann¦'s constant",
	"“¦It works¦.¦”",
	"see [13] and [32,36]¦.",
	"the stability¦.¦12,13",
	"http://example.org/a-b/c¦.",
	"(¦e.g.¦, Ni¦)",
	"Goodenough et al.",
	"Ni¦:¦Ce ¦= 1¦:¦2",
	"La0.8Sr0.2MnO3-δ¦-¦based",
	"p(O2)",
	"BaCe0.8Y0.2O3",
	"[¦unclosed and closed¦]",
	"Fe2+¦/¦Fe3+",
	"pH¦7",
	"+/-",
	"12\u00a0h",
}

func TestWords(t *testing.T) {
	for _, c := range wordCases {
		text := strings.ReplaceAll(c, "¦", "")
		want := strings.FieldsFunc(c, func(r rune) bool { return r == ' ' || r == '¦' || r == '\u00a0' })
		var got []string
		for _, s := range Words(text) {
			got = append(got, text[s.Start:s.End])
		}
		if strings.Join(got, "¦") != strings.Join(want, "¦") {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestWordsAreLinear(t *testing.T) {
	for name, text := range hardTexts() {
		start := time.Now()
		if err := checkSpans(text, Words(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("%s: %d bytes took %v", name, len(text), d)
		}
	}
}

// FuzzSpans looks at what holds for any text, valid or not.
func FuzzSpans(f *testing.F) {
	for _, c := range sentenceCases {
		f.Add(c)
	}
	for _, c := range wordCases {
		f.Add(c)
	}
	f.Add("\xff.\xfe A\u0301\U0001d6fd. \u00b5m Å")
	f.Fuzz(func(t *testing.T, text string) {
		all := Sentences(text)
		if err := checkSpans(text, all); err != nil {
			t.Errorf("sentences: %v", err)
		}
		for _, s := range all {
			sentence := text[s.Start:s.End]
			if err := checkSpans(sentence, Words(sentence)); err != nil {
				t.Errorf("words of %q: %v", sentence, err)
			}
		}
	})
}
