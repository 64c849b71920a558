package formula

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, written, composition string }{
		{"LiFePO4", "LiFePO4", "LiFePO4"},
		{"La0.8Sr0.2MnO3-δ", "La0.8Sr0.2MnO3-δ", "La0.8Sr0.2MnO3-δ"},
		{"La1−xSrxMnO3±δ", "La1-xSrxMnO3±δ", "La1-xSrxMnO3±δ"},
		{"(Ba,Sr)TiO3", "(Ba,Sr)TiO3", "Ba(?Ba)Sr(1-?Ba)TiO3"},
		{"(Sr, Ba)TiO3", "(Sr,Ba)TiO3", "Ba(?Ba)Sr(1-?Ba)TiO3"},
		{"(La0.75,Sr0.25)MnO3", "(La0.75,Sr0.25)MnO3", "La0.75Sr0.25MnO3"},
		{"CuSO4·5H2O", "CuSO4·5H2O", "CuSO9H10"},
		{"CuSO4.5H2O", "CuSO4·5H2O", "CuSO9H10"},
		{"Fe(NO3)3⋅9H2O", "Fe(NO3)3·9H2O", "FeN3O18H18"},
		{"Fe(OCOCH3)2.4H2O", "Fe(OCOCH3)2·4H2O", "FeO8C4H14"},
		{"Mn(CH3CO2)2·(H2O)n", "Mn(CH3CO2)2·(H2O)n", "MnC4H6+2nO4+n"},
		{"MgCl2.H2O", "MgCl2·H2O", "MgCl2H2O"},
		{"Na2SiO3*9H2O", "Na2SiO3·9H2O", "Na2SiO12H18"},
		{"V2O5·nH2O", "V2O5·nH2O", "V2O5+nH2n"},
		{"[Fe(CN)6]3-", "[Fe(CN)6]^3-", "FeC6N6"},
		{"K3[Fe(CN)6]", "K3[Fe(CN)6]", "K3FeC6N6"},
		{"Ca2+", "Ca^2+", "Ca"},
		{"Ca²⁺", "Ca^2+", "Ca"},
		{"SO4^2-", "SO4^2-", "SO4"},
		{"SO42-", "SO4^2-", "SO4"},
		{"SO₄²⁻", "SO4^2-", "SO4"},
		{"NH4+", "NH4^+", "NH4"},
		{"[OH-]", "[OH]^-", "OH"},
		{"I3-", "I3^-", "I3"},
		{"O2-", "O^2-", "O"},
		{"Zn(NH3)42+", "Zn(NH3)4^2+", "ZnN4H12"},
		{"Fe₂O₃", "Fe2O3", "Fe2O3"},
		{"Fe_2O_{3}", "Fe2O3", "Fe2O3"},
		{"D2O", "D2O", "D2O"},
		{"6Li", "^6Li", "^6Li"},
		{"18O", "^18O", "^18O"},
		{"H2¹⁸O", "H2^18O", "H2^18O"},
		{"Fe(III)", "Fe(III)", "Fe"},
		{"Cu(II)O", "Cu(II)O", "CuO"},
		{"FeIIFeIII2O4", "FeIIFeIII2O4", "Fe3O4"},
		{"α-Al2O3", "Al2O3", "Al2O3"},
		{"β-Ga2O3", "Ga2O3", "Ga2O3"},
		{"rutile TiO2", "TiO2", "TiO2"},
		{"Pt(111)", "Pt", "Pt"},
		{"SrCO3(s)", "SrCO3", "SrCO3"},
		{"KSbF6(II)", "KSbF6", "KSbF6"},
		{"Y2O3:Eu3+", "Y2O3:Eu^3+", "Y2O3"},
		{"LaAlO3:0.01Tm3+, xIn3+", "LaAlO3:0.01Tm^3+,xIn^3+", "LaAlO3"},
		{"Gd2O2S : Ti , Mg", "Gd2O2S:Ti,Mg", "Gd2O2S"},
		{"0.9PbTiO3-0.1BaTiO3", "0.9PbTiO3-0.1BaTiO3", "Pb0.9TiO3Ba0.1"},
		{"(1-x)PbTiO3-xBaTiO3", "(1-x)PbTiO3-xBaTiO3", "Pb1-xTiO3Bax"},
		{"xLi2MnO3·(1-x)LiCoO2", "xLi2MnO3·(1-x)LiCoO2", "Li1+xMnxO2+xCo1-x"},
		{"LaMnO3-xFx", "LaMnO3-xFx", "LaMnO3-xFx"},
		{"Li1+x(Ni1/3Mn1/3Co1/3)1-xO2", "Li1+x(Ni1/3Mn1/3Co1/3)1-xO2", "Li1+xNi0.333333-0.333333xMn0.333333-0.333333xCo0.333333-0.333333xO2"},
		{"Li(Ni1-yMny)1-xO2", "Li(Ni1-yMny)1-xO2", "LiNi1-x-y+xyMny-xyO2"},
		{"O(3-x)/2", "O(3-x)/2", "O1.5-0.5x"},
		{"NaZr2(PO4)3-x/2", "NaZr2(PO4)3-x/2", "NaZr2P3-0.5xO12-2x"},
		{"BaZr0.8Y0.2O3- δ", "BaZr0.8Y0.2O3-δ", "BaZr0.8Y0.2O3-δ"},
		{"Sm2Fe17-x Cr x", "Sm2Fe17-xCrx", "Sm2Fe17-xCrx"},
		{"La0.75Sr0.25Cr0.9M0.1O3", "La0.75Sr0.25Cr0.9M0.1O3", "La0.75Sr0.25Cr0.9M0.1O3"},
		{"Ti(OC4H9)4", "Ti(OC4H9)4", "TiO4C16H36"},
		{"Zn(OAc)2", "Zn(OAc)2", "ZnC4H6O4"},
		{"Al(acac)3", "Al(acac)3", "AlC15H21O6"},
		{"Mn [Mn(CH3COO)2·4H2O]", "Mn[Mn(CH3COO)2·4H2O]", "Mn2C4H14O8"},
		{"CH3NH3PbI3", "CH3NH3PbI3", "CH6NPbI3"},
		{"Ca□2O", "Ca□2O", "Ca□2O"},
		{"NO", "NO", "NO"},
		{"2H2O", "2H2O", "H4O2"},
	} {
		f, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		comp, ok := f.Composition()
		if got := comp.String(); !ok || got != c.composition {
			t.Errorf("%s: composition %s (known %t), wanted %s", c.text, got, ok, c.composition)
		}
		if got := f.Written(); got != c.written {
			t.Errorf("%s: written %s, wanted %s", c.text, got, c.written)
		}
	}
}

func TestMixtures(t *testing.T) {
	for text, parts := range map[string]int{"LiFePO4/C": 2, "MgO-Al2O3": 2, "Ti – Al – N": 3, "Ni@SiO2": 2, "ZrO2+Y2O3": 2, "Li2FeSiO4/C": 2} {
		f, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, ok := f.Composition(); ok || len(f.Parts) != parts {
			t.Errorf("%s: %d parts, composition known: %t", text, len(f.Parts), ok)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		text   string
		column int
		what   string
	}{
		{"", 1, "nothing to read"},
		{"LiQ2", 3, `"Q" is no element`},
		{"Lig2O", 3, `"g" is no element`},
		{"La(OH", 3, "not closed"},
		{"La(OH]", 3, "not closed"},
		{"LaOH)2", 5, "closes no bracket"},
		{"zirconia", 1, `"zirconia" is no element`},
		{"10 mol% Gd-doped CeO2", 7, "in percent"},
		{"Al2O3 and MgO", 7, `"and"`},
		{"CuSO4·", 8, "must stand"},
		{"(Ba,Sr0.5)TiO3", 1, "all or none"},
		{"(Ba,Ba)TiO3", 1, "twice"},
		{"Fe99999999O", 3, "no amount"},
		{strings.Repeat("(", 12) + "O" + strings.Repeat(")", 12), 9, "deep"},
		{strings.Repeat("O", 600), 513, "512 bytes"},
		{"O\xff", 2, "UTF-8"},
		{"La2-²O", 5, "raised"},
		{"Al MgO", 4, "space"},
		{"Ti-6Al-4V", 4, "by weight"},
	} {
		_, err := Parse(c.text)
		var e *Error
		if !errors.As(err, &e) || e.Column != c.column || !strings.Contains(e.What, c.what) {
			t.Errorf("%q: %v, wanted column %d: %s", c.text, err, c.column, c.what)
		}
	}
}

func TestMass(t *testing.T) {
	for text, want := range map[string]float64{
		"H2O": 18.015, "LiFePO4": 157.755, "CuSO4·5H2O": 249.677, "D2O": 20.027204, "Fe2O3": 159.687, "6Li": 6.015123,
		"0.9PbTiO3-0.1BaTiO3": 0.9*303.064 + 0.1*233.191, "Ca□": 40.078,
	} {
		f, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := f.Mass(); !ok || math.Abs(got-want) > 2e-3 {
			t.Errorf("%s: %v (known %t), wanted %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"LiCoO2-x", "(Ba,Sr)TiO3", "LiFePO4/C", "LaMO3"} {
		f, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := f.Mass(); ok {
			t.Errorf("%s has a mass, %v", text, m)
		}
	}
}

func TestSpellings(t *testing.T) {
	for _, c := range []struct{ text, hill, reduced, anonymous string }{
		{"LiFePO4", "FeLiO4P", "FeLiO4P", "ABCD4"},
		{"TiO2", "O2Ti", "O2Ti", "AB2"},
		{"CH3NH3PbI3", "CH6I3NPb", "CH6I3NPb", "ABCD3E6"},
		{"La0.8Sr0.2MnO3", "La0.8MnO3Sr0.2", "La4Mn5O15Sr", "AB4C5D15"},
		{"H2O2", "H2O2", "HO", "AB"},
		{"CuSO4·5H2O", "CuO4S·5H2O", "CuH10O9S", "ABC9D10"},
		{"LiNi1/3Mn1/3Co1/3O2", "Co0.333333LiMn0.333333Ni0.333333O2", "CoLi3MnNiO6", "ABCD3E6"},
		{"[Fe(CN)6]3-", "C6FeN6^3-", "C6FeN6", "AB6C6"},
		{"YBa2Cu3O7-x", "Ba2Cu3O7-xY", "Ba2Cu3O7-xY", ""},
	} {
		f, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		reduced, _ := f.Reduced()
		anonymous := ""
		if c, ok := f.Composition(); ok {
			if r, ok := c.Reduced(); ok {
				anonymous = r.Anonymous()
			}
		}
		if f.Hill() != c.hill || reduced != c.reduced || anonymous != c.anonymous {
			t.Errorf("%s: %s %s %s, wanted %s %s %s", c.text, f.Hill(), reduced, anonymous, c.hill, c.reduced, c.anonymous)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		a, b        string
		equal, same bool
	}{
		{"Fe2O3", "O3Fe2", true, true},
		{"Fe2O3", "Fe4O6", false, true},
		{"(Ba,Sr)TiO3", "(Sr,Ba)TiO3", true, true},
		{"La1-xSrxMnO3", "SrxLa1-xMnO3", true, true},
		{"La1-xSrxMnO3", "La1-ySryMnO3", false, false},
		{"LiNi1/3Mn1/3Co1/3O2", "LiNi0.333Mn0.333Co0.333O2", true, true},
		{"Fe2+", "Fe3+", false, true},
		{"CuSO4·5H2O", "CuSO4", false, false},
		{"Al2O3/C", "C/Al2O3", true, false},
	} {
		a, err := Parse(c.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Parse(c.b)
		if err != nil {
			t.Fatal(err)
		}
		ca, okA := a.Composition()
		cb, okB := b.Composition()
		same := okA && okB && ca.Same(cb, 1e-3)
		if a.Equal(b, 1e-3) != c.equal || same != c.same {
			t.Errorf("%s and %s: equal %t, same %t", c.a, c.b, a.Equal(b, 1e-3), same)
		}
	}
}

func TestIsFormula(t *testing.T) {
	for _, s := range strings.Fields("LiFePO4 SiC PbTe Fe₂O₃ CO WC H2O N2 C60 O2 Ca2+ Na+ SO42- NH4+ α-Fe b-V2O5 La1-xSrxMnO3 (Ba,Sr)TiO3 Al-Cu MgO-Al2O3 Cu(II) 18O D2O La0.8Cr0.9M0.1O3 Y2O3:Eu V2O5 UO2 KNO3 TiO2(110)") {
		if !IsFormula(s) {
			t.Errorf("%s is not accepted", s)
		}
	}
	for _, s := range strings.Fields("In As I Co C NO CVD PC UV SOFC XRD P3HT B2 H13 2D 3H 20K K-1 A- MeV In2 Si-N MTO RE CNTs Since Ti-6Al-4V zirconia steel HeLa V2 T3 II IV CHO-") {
		if IsFormula(s) {
			t.Errorf("%s is accepted", s)
		}
	}
	if got := Normalize("O3Fe2"); got != "Fe2O3" {
		t.Errorf("O3Fe2 is normalised to %s", got)
	}
}

// FuzzParse holds the parser to its spellings: what it reads it also reads back
// from its own, with the same composition and charge.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"La0.8Sr0.2MnO3-δ", "(Ba,Sr)TiO3", "CuSO4.5H2O", "[Fe(CN)6]3-", "Fe₂O₃", "⁶Li", "α-Al2O3", "Y2O3:Eu3+,0.1Tm",
		"(1-x)PbTiO3-xBaTiO3", "Li1+x(Ni1/3Mn1/3)1-xO2", "SO42-", "Mn(CH3CO2)2·(H2O)n", "Fe(II,III)O", "O(3-x)/2", "LaMO3/C", "Zn(OAc)2", "Ca□", "$Fe_{2}O^{2-}$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Column < 1 || e.Column > len(s)+1 {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		IsFormula(s)
		h := a.Hill()
		b, err := Parse(h)
		if len(h) > maxText {
			return
		}
		if err != nil {
			t.Fatalf("%q is read, but its Hill form %q is not: %v", s, h, err)
		}
		if ca, ok := a.Composition(); ok {
			cb, _ := b.Composition()
			if slices.ContainsFunc(ca, func(e Component) bool { return len(e.Amount) == 0 }) {
				return // spellings leave it out
			}
			large := 2.0 // spellings have six places
			for _, p := range a.Parts {
				for _, u := range p.Units {
					all := append(slices.Clone(p.Factor), u.Amount...)
					for _, e := range u.Composition {
						all = append(all, e.Amount...)
					}
					for _, t := range all {
						large = max(large, math.Abs(t.Coefficient))
					}
				}
			}
			if !ca.Equal(cb, 1e-6*large*large) || a.Charge() != b.Charge() {
				t.Fatalf("%q is %v%+d, its Hill form %q is %v%+d", s, ca, a.Charge(), h, cb, b.Charge())
			}
		}
	})
}
