package corpus

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// sentenceCases are texts whose sentences are divided by "|".
var sentenceCases = []string{
	// Numbers of figures, tables, equations, references and samples.
	"Figs. 2a and b show the surface. |It is rough.",
	"As shown in Fig. 3.| The peaks are sharp.",
	"See Supplementary Fig. S2 for details.| We used it.",
	"(Supporting Information, Fig. S3). |The film is dense.",
	"The rate follows Eq. (2) and Eqs. (3) to (5).| Here k is a constant.",
	"According to Ref. [3] the gap is 2 eV.| Refs. [4,5] agree.",
	"See ref. 34.| Copyright 2013.",
	"Table 2. shows it.",
	"Samples No. 5 and No. 6 failed.| The answer was no.| The reason is known.",
	"It is described in Sect. 2 and Chap. 4.| Then we anneal.",
	"The results are given in Tab. 1 (cf. Fig. 2).",
	"Vol. 3, pp. 12-15 of the book.| It is old.",
	// Latin.
	"Metals, e.g. Ni and Co, were used.| Others, i.e. Cu, were not.",
	"Oxides (e.g., ZrO2) are stable.| Nitrides are not.",
	"Goodenough et al. [3] reported a cathode.| It is stable.",
	"Smith et al. (2004) found this.| Later work did not.",
	"This was found by Kim et al.| The authors annealed the film.",
	"As Lee et al. Nature 3 show, it works.",
	"We added ca. 5 wt.% of Ni.| It dissolved.",
	"The size is approx. 20 nm.| This is small.",
	"Anode vs. cathode: 0.46 vs. 0.53 V.| Both are low.",
	"Oxides, nitrides, etc. were tested.| All failed.",
	"We tested oxides, nitrides, etc.| The last were stable.",
	"Powders of Ni, Cu, resp. Co were mixed.",
	"It holds viz. for all samples.",
	// Units and amounts.
	"It was doped with 5 at. % Fe.| It is magnetic.",
	"The feed has 3 wt. % Ni and 2 vol. % H2.| The rest is N2.",
	"The content was 12 mol. % and 3 wt.| The rest is oxygen.",
	"It was heated at 500 °C.| Then it was cooled.",
	"It was cooled to 77 K.| The gap opened.",
	"A bias of 5 V. |At this bias it breaks.",
	"It was stirred for 2 h.| 5 g of salt was added.",
	"It was held for 30 min.| The powder was sieved.",
	"m.p. 120 °C was found.| It is pure.",
	"At r.t. the phase is cubic.",
	"The intensity in a.u. is shown.| It grows.",
	"The value is 3.14.| The other is 2.71.",
	"We measured 1.0. |In air it is 2.0.",
	"It rose to 99.9%.| No more was added.",
	"From 5.2 to 5.3 eV it grows.",
	"The p.d.f. is shown.",
	// Formulas.
	"We made La0.8Sr0.2MnO3-δ.| It conducts.",
	"The film of La0.8Sr0.2MnO3−δ. |Its gap is small.",
	"CuSO4·5H2O. |The salt is blue.",
	"Here A = Ba, Sr, Ca.| In this case it shifts.",
	"It contains Co.| The rest is Ni.",
	"(Ba,Sr)TiO3 was grown.| (La,Sr)MnO3 was not.",
	"The alloy Ti-6Al-4V. |Its strength is high.",
	"Phases such as Y2O3.| ZrO2 is cubic.",
	// Names.
	"J. B. Goodenough made it.| It works.",
	"It was found by J. B. Goodenough.| The cathode is LiCoO2.",
	"J.-M. Tarascon and A. K. Padhi agree.| M. S. Whittingham does not.",
	"Dr. Smith and Prof. Jones left.| Mrs. Lee stayed.",
	"Powders (Sigma-Aldrich, St. Louis, MO, USA) were used.| They are pure.",
	"Alfa Aesar Co. Ltd. sold it.| It is pure.",
	"Sold by Merck Inc., USA.| The purity is 99%.",
	"Made in the U.S. by hand.| The U.K. did not.",
	"From Sinopharm Chemical Reagent Co., Ltd. (China).| All were used as received.",
	"Nanjing 210009, P. R. China.| We thank them.",
	// Numbering.
	"2.1. Experimental",
	"3. Results and Discussion",
	"A. Synthesis of powders",
	"(i) The first. |(ii) The second.",
	"The film is thick.| 2.1. Synthesis was done in air.",
	"iv. Annealing was done.",
	// Journals.
	"J. Mater. Chem. A 2, 17628 (2014).",
	"Published in Adv. Mater. 12 and Phys. Rev. Lett. 3.| Both are cited.",
	"Solid State Ionics 152–153, 3 (2002). |J. Electrochem. Soc. 12, 3 (2003).",
	// Citations behind the stop.
	"This improves the stability.12,13 |The next step is annealing.",
	"It is known.1−4 |Current work differs.",
	"It is used.[22] |Differences remain.",
	"It is used.[22],[23] |Differences remain.",
	"It is used [22]. |Differences remain.",
	"It is known.¹²,¹³ |Current work differs.",
	"It is dense.5 |In contrast, the other is not.",
	"The value 2.5 is high.| It grew by 3.5 V.",
	"At 300 K.12 |The film broke.",
	"Version v3.5 was used.| It is old.",
	// Quotation marks, brackets and other stops.
	"“It works.” |We agree.",
	"It works (see above). |We agree.",
	"(It works.) |We agree.",
	"It works (in air.) |We agree.",
	"Does it work?| It does!| Good.",
	"Does it?? |It does.",
	"It is called 'hard.' |The other is soft.",
	"It waits... |Then it goes.",
	"It waits… |Then it goes.",
	"It waits... and goes.",
	"Is pH 7? |pH 8 is better.",
	"The acid was added. |pH was 3.",
	"It was doped. |n-Type silicon formed. |α-Fe2O3 did not.",
	"It was pure. |γ-Al2O3 was not.",
	// Addresses.
	"See http://example.org/a.b. |It is free.",
	"doi:10.1016/j.ssi.2004.01.001 is cited.",
	"Write to a.b@c.de (A.B.); it helps.",
	"The file index.html is here.| Run it.",
	// Lines and paragraphs.
	"Heading\n\n|The text begins.",
	"The text is\nwrapped here. |And\nhere.",
	"The text is\r\nwrapped. |It\r\nis.\r\n\r\n|New.",
	"10.1039/c6dt02166b\n|Magnetic properties of films",
	"First\n \t\n|Second",
	"No stop at the end",
	"A\u2028B. C",
	"One.\u00a0|Two.",
	"日本。|中国。|Ends.",
	"Page one\f|Page two",
	strings.Repeat("word ", 50) + "end\n|Next line",
	"  The white space is left out.  |  It is.  ",
	"Temp. 300 K and max. 5 V.| Then min. 2 V.",
	"Fig. 1: SEM.| (a) Top view. |(b) Side view.",
	"In Jan. 2004 it began.| In Dec. 2005 it ended.",
	"M. Smith, A. Jones, B. Lee and C. Kim.| We thank them.",
	"The composition is x = 0.2. |Reflections are sharp.",
	"It was treated in HCl (conc. 2 M).| Then it was dried.",
	"The phases are A. |The others are B.",
}

func TestSentences(t *testing.T) {
	if len(sentenceCases) < 100 {
		t.Errorf("only %d cases", len(sentenceCases))
	}
	for _, c := range sentenceCases {
		var want []string
		for s := range strings.SplitSeq(c, "|") {
			want = append(want, strings.TrimSpace(s))
		}
		text := strings.ReplaceAll(c, "|", "")
		var got []string
		for _, s := range Sentences(text) {
			got = append(got, text[s.Start:s.End])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
	}
}

// checkSpans tells what is wrong with a cut of a text that must keep every
// visible character.
func checkSpans(text string, spans []Span) error {
	at, valid := 0, utf8.ValidString(text)
	for _, s := range append(slices.Clone(spans), Span{len(text), len(text) + 1}) {
		if s.Start < at || s.Start >= s.End {
			return fmt.Errorf("span %v behind %d", s, at)
		}
		for i, r := range text[at:s.Start] {
			if !unicode.IsSpace(r) {
				return fmt.Errorf("%q at %d is in no span", r, at+i)
			}
		}
		if s.End > len(text) {
			break
		}
		if valid && !utf8.RuneStart(text[s.Start]) || valid && s.End < len(text) && !utf8.RuneStart(text[s.End]) {
			return fmt.Errorf("span %v cuts a character", s)
		}
		at = s.End
	}
	return nil
}

// Texts without an end, or with nothing but ends, cost no more than others.
func TestSentencesAreLinear(t *testing.T) {
	for name, text := range hardTexts() {
		start := time.Now()
		spans := Sentences(text)
		if err := checkSpans(text, spans); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("%s: %d bytes took %v", name, len(text), d)
		}
	}
}

func hardTexts() map[string]string {
	const n = 1 << 20
	return map[string]string{
		"one word":    strings.Repeat("a", n),
		"stops":       strings.Repeat(".", n),
		"stops apart": strings.Repeat("a. ", n/3),
		"brackets":    strings.Repeat("(", n/2) + strings.Repeat("a. b ", n/10),
		"closers":     "A." + strings.Repeat(")", n),
		"citations":   strings.Repeat("a.1,2", n/5),
		"refs":        strings.Repeat("a.[1]", n/5),
		"open refs":   strings.Repeat("a.[", n/3),
		"blanks":      "A." + strings.Repeat(" ", n) + "a." + strings.Repeat("\u00a0", n/2) + "b",
		"lines":       strings.Repeat("\n", n),
		"hyphens":     strings.Repeat("-", n),
		"joined":      strings.Repeat("ab-cde", n/6),
		"colons":      strings.Repeat("a:", n/2),
		"slashes":     strings.Repeat("/a", n/2),
		"nested":      strings.Repeat("(", n/2) + strings.Repeat(")", n/2),
		"quotes":      strings.Repeat("'s", n/2),
		"commas":      strings.Repeat("a,", n/2),
		"marks":       strings.Repeat("\u0301", n/2),
		"address":     "http://" + strings.Repeat("a.", n/2),
		"numbers":     strings.Repeat("1.", n/2),
		"signs":       strings.Repeat("−1", n/4),
	}
}
