package normalize

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/kiban-models/kiban/core/token"
)

// itself stands in variants for the character as it is.
const itself = "\x00"

// variants lists what characters may become, best first: the first that the
// vocabulary knows is taken. They come before Unicode's own compatibility
// mappings, where these are missing or mean something else (º would be an o).
var variants = expand(map[string][]string{
	"\u00ad\u200b\u200c\u200d\u2060\ufeff": {""}, // soft hyphen; zero width
	"‐‑‒–−﹣－⁃˗‐":                           {"-"},
	"—―":                                   {itself, "-"},
	"‘’‚‛ʼʹ′‵´ˊ`":                          {"'"},
	"“”„‟″‶〃ʺ":                             {"\""},
	"‴":                                    {"'''"},
	"µμ":                                   {"μ", "µ", "u"},
	"ΩΩ":                                   {"Ω", "Ω"},
	"ÅÅ":                                   {"Å", "Å", "A"},
	"˚º°∘ᵒ":                                {"°", "º"},
	"·⋅∙‧・•":                               {"·", "⋅", "∙", "."},
	"×✕✖⨯⨉☓":                               {"×", "x"},
	"∼～˜⁓∽":                                {"~"},
	"≦⩽≤⪯":                                 {"≤", "<"},
	"≧⩾≥⪰":                                 {"≥", ">"},
	"≅≃≈≌⋍":                                {itself, "≈", "~"},
	"∆Δ△":                                  {"Δ", "∆"},
	"ɛϵ":                                   {"ε"},
	"ɑ":                                    {"α"},
	"ɣ":                                    {"γ"},
	"ɸϕ":                                   {"φ"},
	"⁄∕⧸":                                  {"/"},
	"∣ǀ│":                                  {"|"},
	"〈⟨‹":                                  {"<", itself},
	"〉⟩›":                                  {">", itself},
	"→⟶➔⇒⟹↦":                               {"→", itself, ">"},
	"⇌⇋⇄⇆↔⟷⇔":                              {itself, "⇌", "↔", "→"},
	"■●▪◆♦":                                {"•", itself, "·"},
	"⋯…":                                   {"...", itself},
	"ßø":                                   {itself},
})

func expand(lists map[string][]string) map[rune][]string {
	all := map[rune][]string{}
	for chars, to := range lists {
		for _, c := range chars {
			all[c] = to
		}
	}
	return all
}

// rules are those of this package for one vocabulary.
type rules struct {
	knows func(s string) bool
	seen  sync.Map // rune or cluster, as string, to its replacement
}

// New returns the rules of this package. Each character becomes the first of its
// variants that the vocabulary of w knows: what is listed for it here, the
// character itself, its compatibility form (NFKC), or that without accents. An
// accent belongs to the letter before it. A character that has no known form
// stays, for the tokenizer to call unknown.
func New(w *token.WordPiece) *Normalizer {
	return &Normalizer{rules: &rules{knows: func(s string) bool {
		pieces := w.EncodeOrdinary(s)
		return len(pieces) > 0 && !slices.ContainsFunc(pieces, func(p token.Piece) bool { return p.ID == w.UNK() })
	}}}
}

var noChanges = func() (changes [utf8.RuneSelf]bool) {
	changes['`'] = true
	return changes
}()

func (r *rules) normalize(b *builder, text string) {
	for at := 0; at < len(text); {
		n := asciiRun(text[at:], &noChanges)
		if at+n < len(text) && n > 0 && text[at+n] >= utf8.RuneSelf {
			n-- // it may have an accent
		}
		b.same(text[at:at+n], at)
		at += n
		if at == len(text) {
			break
		}
		n = cluster(text[at:])
		s := text[at : at+n]
		if to := r.of(s); to == s {
			b.same(s, at)
		} else {
			b.put(to, at, at+n)
		}
		at += n
	}
}

// maxMarks bounds the accents of one letter; Unicode's stream-safe format has 30.
const maxMarks = 30

// cluster returns the length of a character with its accents.
func cluster(text string) int {
	_, n := utf8.DecodeRuneInString(text)
	for range maxMarks {
		r, m := utf8.DecodeRuneInString(text[n:])
		if m == 0 || !unicode.Is(unicode.M, r) {
			break
		}
		n += m
	}
	return n
}

// maxSeen is the length of clusters that are remembered: there are few of these.
const maxSeen = 8

func (r *rules) of(s string) string {
	if len(s) == 1 && s != "`" {
		if s[0] < utf8.RuneSelf {
			return s
		}
		return "\ufffd"
	}
	if len(s) > maxSeen {
		return r.best(s)
	}
	if to, ok := r.seen.Load(s); ok {
		return to.(string)
	}
	to := r.best(s)
	r.seen.Store(strings.Clone(s), to)
	return to
}

// best returns the first form of a cluster that is known.
func (r *rules) best(s string) string {
	composed := norm.NFC.String(s)
	c, n := utf8.DecodeRuneInString(composed)
	if n < len(composed) { // no letter of its own: with its accents if they are known
		if r.knows(composed) {
			return composed
		}
		if unicode.Is(unicode.M, c) {
			return s
		}
		return r.of(composed[:n])
	}
	list, listed := variants[c]
	for _, to := range list {
		if to == itself {
			to = composed
		}
		if to == "" || r.knows(to) {
			return to
		}
	}
	if unicode.IsSpace(c) {
		return " "
	}
	if !listed && r.knows(composed) {
		return composed
	}
	if compatible := norm.NFKC.String(composed); compatible != composed {
		var whole strings.Builder
		for _, part := range compatible {
			whole.WriteString(r.of(string(part)))
		}
		if to := whole.String(); strings.TrimSpace(to) == "" || r.knows(to) {
			return to
		}
	}
	bare := strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Mn, c) {
			return -1
		}
		return c
	}, norm.NFD.String(composed))
	if bare != composed && r.knows(bare) {
		return bare
	}
	return composed
}
