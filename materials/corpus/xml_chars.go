package corpus

import (
	"encoding/binary"
	"encoding/xml"
	"errors"
	"maps"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// xmlChar returns the first character of a text of an XML file, and how many
// bytes of the file it takes. raw means CDATA.
func xmlChar(data []byte, raw bool) (string, int) {
	switch c := data[0]; {
	case c == '\r': // XML 1.0, section 2.11
		if len(data) > 1 && data[1] == '\n' {
			return "\n", 2
		}
		return "\n", 1
	case c == '&' && !raw:
		n := strings.IndexByte(string(data[:min(len(data), 64)]), ';')
		if n < 0 {
			return "&", 1
		}
		return xmlEntity(string(data[1:n])), n + 1
	case c < utf8.RuneSelf:
		return string(rune(c)), 1
	}
	r, n := utf8.DecodeRune(data)
	return string(r), n
}

func xmlEntity(name string) string {
	if digits, ok := strings.CutPrefix(name, "#"); ok {
		base := 10
		if hex, ok := strings.CutPrefix(digits, "x"); ok {
			digits, base = hex, 16
		}
		n, err := strconv.ParseUint(digits, base, 32)
		if err != nil || n > utf8.MaxRune {
			return "\ufffd"
		}
		return string(rune(n))
	}
	switch name {
	case "lt":
		return "<"
	case "gt":
		return ">"
	case "amp":
		return "&"
	case "apos":
		return "'"
	case "quot":
		return `"`
	}
	return xmlEntities[name]
}

// xmlEntities are the names of characters that the DTDs of JATS and Elsevier
// declare and that articles use: HTML's, and of the sets of ISO 8879 and 9573-13
// those that papers of chemistry and physics write.
var xmlEntities = func() map[string]string {
	m := maps.Clone(xml.HTMLEntity)
	maps.Copy(m, map[string]string{
		"agr": "α", "bgr": "β", "ggr": "γ", "dgr": "δ", "egr": "ε", "zgr": "ζ", "eegr": "η", "thgr": "θ", "igr": "ι", "kgr": "κ",
		"lgr": "λ", "mgr": "μ", "ngr": "ν", "xgr": "ξ", "ogr": "ο", "pgr": "π", "rgr": "ρ", "sgr": "σ", "tgr": "τ", "ugr": "υ",
		"phgr": "φ", "khgr": "χ", "psgr": "ψ", "ohgr": "ω", "Dgr": "Δ", "Ggr": "Γ", "Lgr": "Λ", "PHgr": "Φ", "OHgr": "Ω", "Sgr": "Σ",
		"epsi": "ϵ", "epsiv": "ε", "thetav": "ϑ", "phis": "ϕ", "phiv": "ϕ", "rhov": "ϱ", "sigmav": "ς", "varepsilon": "ε",
		"varphi": "φ", "vartheta": "ϑ", "thetas": "θ", "upsi": "υ", "ohm": "Ω", "angst": "Å", "ring": "˚", "micro": "µ",
		"nbsp": "\u00a0", "thinsp": "\u2009", "hairsp": "\u200a", "numsp": "\u2007", "puncsp": "\u2008", "emsp13": "\u2004",
		"emsp14": "\u2005", "hyphen": "‐", "dash": "‐", "horbar": "―", "minus": "−", "mnplus": "∓", "period": ".", "comma": ",", "colon": ":",
		"semi": ";", "excl": "!", "quest": "?", "num": "#", "dollar": "$", "percnt": "%", "ast": "*", "plus": "+", "equals": "=",
		"commat": "@", "lpar": "(", "rpar": ")", "lsqb": "[", "rsqb": "]", "lcub": "{", "rcub": "}", "lowbar": "_", "verbar": "|",
		"bsol": "\\", "sol": "/", "grave": "`", "apos": "'", "half": "½", "frac13": "⅓", "frac23": "⅔", "frac18": "⅛", "frac38": "⅜",
		"frac58": "⅝", "frac78": "⅞", "le": "≤", "ge": "≥", "les": "⩽", "ges": "⩾", "lsim": "≲", "gsim": "≳", "Lt": "≪", "Gt": "≫",
		"ap": "≈", "esim": "≂", "sime": "≃", "cong": "≅", "angle": "∠", "par": "∥", "perp": "⊥", "square": "□", "squ": "□",
		"squf": "▪", "blacksquare": "▪", "cir": "○", "utri": "▵", "utrif": "▴", "dtri": "▿", "dtrif": "▾", "star": "☆", "starf": "★",
		"bull": "•", "middot": "·", "sdot": "⋅", "compfn": "∘", "lrhar2": "⇋", "rlhar2": "⇌", "lrarr2": "⇆", "rlarr2": "⇄", "larr": "←",
		"rarr": "→", "rightarrow": "→", "leftarrow": "←", "vellip": "⋮", "mldr": "…", "nldr": "‥", "prime": "′", "Prime": "″",
		"tprime": "‴", "lang": "⟨", "rang": "⟩", "bond": "—", "dbond": "=", "tbond": "≡", "caret": "‸", "hbar": "ħ", "planck": "ℏ",
		"planckh": "ℎ", "ell": "ℓ", "inodot": "ı", "fflig": "ﬀ", "ffilig": "ﬃ", "ffllig": "ﬄ", "filig": "ﬁ", "fllig": "ﬂ",
		"ccaron": "č", "Ccaron": "Č", "zcaron": "ž", "Zcaron": "Ž", "cacute": "ć", "Cacute": "Ć", "nacute": "ń", "Sacute": "Ś",
		"sacute": "ś", "zacute": "ź", "zdot": "ż", "lstrok": "ł", "Lstrok": "Ł", "eogon": "ę", "aogon": "ą", "ecaron": "ě",
		"rcaron": "ř", "abreve": "ă", "gbreve": "ğ", "Idot": "İ", "scedil": "ş", "Scedil": "Ş", "tcedil": "ţ", "odblac": "ő", "udblac": "ű",
		"amacr": "ā", "emacr": "ē", "omacr": "ō", "umacr": "ū", "imacr": "ī",
	})
	return m
}()

// wide is a file in UTF-16: where its characters stand.
type wide struct {
	text  []byte  // in UTF-8
	marks []int32 // the byte of the file of the first character at or behind each 64th byte of text
}

const wideStride = 64

var errWide = errors.New("UTF-16 that breaks off or has half a character")

// wideXML makes UTF-8 of UTF-16, which a mark at the start or a first < in two
// bytes tells. Other files are returned as they are.
func wideXML(data []byte) ([]byte, *wide, error) {
	var order binary.ByteOrder = binary.LittleEndian
	switch utf16Order(data) {
	case 0:
		return data, nil, nil
	case 'b':
		order = binary.BigEndian
	}
	at := 0
	if order.Uint16(data) == 0xfeff {
		at = 2
	}
	w := &wide{}
	for at < len(data) {
		for len(w.text) >= wideStride*len(w.marks) {
			w.marks = append(w.marks, int32(at))
		}
		if at+2 > len(data) {
			return nil, nil, errWide
		}
		r := rune(order.Uint16(data[at:]))
		at += 2
		if utf16.IsSurrogate(r) {
			if at+2 > len(data) {
				return nil, nil, errWide
			}
			r = utf16.DecodeRune(r, rune(order.Uint16(data[at:])))
			if r == utf8.RuneError {
				return nil, nil, errWide
			}
			at += 2
		}
		w.text = utf8.AppendRune(w.text, r)
	}
	return w.text, w, nil
}

// at returns the byte of the file for one of the text, which begins a character.
func (w *wide) at(b int) int {
	k := min(b/wideStride, len(w.marks)-1)
	i, at := k*wideStride, int(w.marks[k])
	for i < b && !utf8.RuneStart(w.text[i]) {
		i++
	}
	for i < b {
		r, n := utf8.DecodeRune(w.text[i:])
		i += n
		at += 2 * utf16.RuneLen(r)
	}
	return at
}

// places are those of the file, a character each, for bytes do not fall
// together.
func (w *wide) places(text string, all []Place) []Place {
	var out []Place
	for _, p := range all {
		if p.Text.End-p.Text.Start != p.Source.End-p.Source.Start {
			out = append(out, Place{p.Text, Span{w.at(p.Source.Start), w.at(p.Source.End)}})
			continue
		}
		at := p.Source.Start - p.Text.Start
		for i := p.Text.Start; i < p.Text.End; {
			_, n := utf8.DecodeRuneInString(text[i:])
			out = append(out, Place{Span{i, i + n}, Span{w.at(at + i), w.at(at + i + n)}})
			i += n
		}
	}
	return out
}
