package normalize

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	"\u00ad\u200b\u200c\u200d\u2060\ufeff":                   {""},  // soft hyphen; zero width
	"\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d\u2043\u02d7": {"-"}, // hyphens, en dash, minus
	"\u2014\u2015": {itself, "-"}, // em dash, bar
	"\u2018\u2019\u201a\u201b\u02bc\u02b9\u2032\u2035\u00b4\u02ca`": {"'"},  // quotes, primes
	"\u201c\u201d\u201e\u201f\u2033\u2036\u3003\u02ba":              {"\""}, // double ones
	"\u2034":                         {"'''"},
	"\u00b5\u03bc":                   {"\u03bc", "\u00b5", "u"},      // micro
	"\u2126\u03a9":                   {"\u03a9", "\u2126"},           // ohm
	"\u212b\u00c5":                   {"\u00c5", "\u212b", "A"},      // ångström
	"\u2206\u0394\u25b3":             {"\u0394", "\u2206", "\u25b3"}, // increment
	"\u02da\u00ba\u00b0\u2218\u1d52": {"\u00b0", "\u00ba"},           // degree
	"\u00b7\u22c5\u2219\u2027\u30fb\u2022\u0387": {"\u00b7", "\u22c5", "\u2219", "."}, // dots
	"\u00d7\u2715\u2716\u2a2f\u2a09\u2613":       {"\u00d7", "x"},                     // times
	"\u223c\uff5e\u02dc\u2053\u223d":             {"~"},
	"\u2264\u2266\u2a7d\u2aaf":                   {"\u2264", "<"},
	"\u2265\u2267\u2a7e\u2ab0":                   {"\u2265", ">"},
	"\u2245\u2243\u2248\u224c\u224d":             {itself, "\u2248", "~"},
	"\u025b\u03f5":                               {"\u03b5"}, // epsilon
	"\u0251":                                     {"\u03b1"},
	"\u0263":                                     {"\u03b3"},
	"\u0278\u03d5":                               {"\u03c6"},
	"\u2044\u2215\u29f8":                         {"/"},
	"\u2223\u01c0\u2502":                         {"|"},
	"\u3008\u27e8\u2329\u2039":                   {"<", itself},
	"\u3009\u27e9\u232a\u203a":                   {">", itself},
	"\u2192\u27f6\u2794\u21d2\u27f9\u21a6":       {"\u2192", itself, ">"},
	"\u21cc\u21cb\u21c4\u21c6\u2194\u27f7\u21d4": {itself, "\u21cc", "\u2194", "\u2192"},
	"\u25a0\u25cf\u25aa\u25c6\u2666":             {"\u2022", itself, "\u00b7"},
	"\u2026\u22ef":                               {"...", itself},
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
	count atomic.Int32
}

// New returns the rules of this package. Each character becomes the first of its
// variants that the vocabulary of w knows: what is listed for it here, its
// compatibility form (NFKC), the character itself, or that without accents. ASCII
// counts as known. An accent belongs to the letter before it. A character that has no known form
// stays, for the tokenizer to call unknown.
func New(w *token.WordPiece) *Normalizer {
	return &Normalizer{rules: &rules{knows: func(s string) bool {
		if s != "" && asciiRun(s, new([utf8.RuneSelf]bool)) == len(s) {
			return true // what words are made of, whichever the vocabulary has whole
		}
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
		_, first := utf8.DecodeRuneInString(s)
		if to := r.of(s); to == s && first == n {
			b.same(s, at)
		} else {
			b.put(to, at, at+n) // as a whole: pieces of a letter keep its accents
		}
		at += n
	}
}

// maxMarks bounds the accents of one letter; Unicode's stream-safe format has 30.
const maxMarks = 30

// cluster returns the length of a character with its accents.
func cluster(text string) int {
	r, n := utf8.DecodeRuneInString(text)
	if r == utf8.RuneError && n == 1 {
		return 1
	}
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
const (
	maxSeen       = 8
	maxRemembered = 1 << 16
)

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
	if r.count.Add(1) <= maxRemembered {
		r.seen.Store(strings.Clone(s), strings.Clone(to))
	}
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
	for _, to := range variants[c] {
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
	if compatible := norm.NFKC.String(composed); compatible != composed {
		var whole strings.Builder
		for _, part := range compatible {
			whole.WriteString(r.of(string(part)))
		}
		if to := whole.String(); strings.TrimSpace(to) == "" || r.knows(to) {
			return to
		}
	}
	if r.knows(composed) {
		return composed
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
