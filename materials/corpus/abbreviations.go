package corpus

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// stopKind is what the word before a stop makes of it.
type stopKind uint8

const (
	plainStop  stopKind = iota
	neverEnds           // Fig., e.g.
	beforeName          // initials, journals, titles: a capital may follow
	numbered            // No.: only before a number
	unitStop            // wt.: before %, a number or a small letter
	company             // Co.: before Ltd. and the like
	numbering           // 2.1. at the start of a sentence
	strongStop          // ? and !, and stops in brackets
)

// The words that are written with a stop, in small letters, without their last
// stop.
var stopKinds = func() map[string]stopKind {
	m := map[string]stopKind{}
	for kind, words := range map[stopKind]string{
		neverEnds: `fig figs eq eqs eqn eqns ref refs tab tabs sect secs sects chap ch e.g eg i.e ie cf vs viz ca approx
			dr prof mr mrs ms st vols pp suppl resp incl excl nos v.s c.a calcd anal ed eds dept univ dia esp`,
		beforeName: `al etc jr sr u.s u.k u.s.a p.r p.r.china a.m p.m a.u arb m.p b.p r.t s.d n.d ph.d m.sc b.sc d.sc
			j mater chem phys appl lett rev adv soc am int sci technol eng nat commun acta electrochem ceram inorg org biol
			res proc trans bull surf catal polym nanotechnol energ compd bioeng ind symp natl acad angew chim mech metall
			thermochim spectrosc crystallogr nucl instrum opt mag abstr func funct microsc environ vac elec electron
			jan feb mar apr jun jul aug sep sept oct nov dec`,
		numbered: `no p`,
		unitStop: `wt vol at mol min max temp conc sat aq conv equiv hr hrs sec`,
		company:  `co inc ltd corp bros pvt pty gmbh llc`,
	} {
		for _, w := range strings.Fields(words) {
			m[w] = kind
		}
	}
	return m
}()

// kindOf tells what the stop at a place is. strong is a stop that is more than
// a point behind a word.
func kindOf(text string, start, stop int, word string, strong bool) stopKind {
	if strong {
		return strongStop
	}
	if isNumbering(text[start:stop]) {
		return numbering
	}
	initials := isInitials(word)
	if kind, ok := stopKinds[strings.ToLower(word)]; ok && !(initials && len(word) == 1) && word != "Ca" && (kind == neverEnds || !afterNumber(text, start, stop, word)) {
		return kind
	}
	if initials && !afterNumber(text, start, stop, word) {
		return beforeName
	}
	return plainStop
}

// isNumbering tells "2.1", "A", "iv", "(3)" and the like.
func isNumbering(s string) bool {
	if len(s) > maxWord {
		return false
	}
	s = strings.Trim(s, "()[]")
	if s == "" || len(s) > 12 || strings.ContainsAny(s, " \t\n\r") {
		return false
	}
	return strings.Trim(s, "0123456789.") == "" || strings.Trim(s, "ivxIVX") == "" ||
		len(s) == 1 && unicode.IsLetter(rune(s[0])) || s[0] == 'S' && strings.Trim(s[1:], "0123456789.") == ""
}

// isInitials tells "J", "J.B", "J.-P" and "Å".
func isInitials(w string) bool {
	if w == "" {
		return false
	}
	for part := range strings.SplitSeq(strings.ReplaceAll(w, "-", "."), ".") {
		r, n := utf8.DecodeRuneInString(part)
		if part != "" && (n != len(part) || !unicode.IsUpper(r)) {
			return false
		}
	}
	return true
}

// afterNumber tells "500 K." from "K. Tanaka": a letter behind a number is a
// unit.
func afterNumber(text string, start, stop int, word string) bool {
	if n := utf8.RuneCountInString(word); n > 3 {
		return false
	}
	before := strings.TrimRightFunc(text[start:stop-len(word)], unicode.IsSpace)
	r, _ := utf8.DecodeLastRuneInString(before)
	return len(before) < stop-len(word)-start && (isDigit(r) || isSuperscript(r)) && !numberOfWord(before)
}

// numberOfWord tells "Fig. 3" and the like, whose number counts nothing.
func numberOfWord(before string) bool {
	before = strings.TrimRight(before[max(0, len(before)-maxWord):], "0123456789. \u00a0")
	return stopKinds[strings.ToLower(wordBefore(before, 0, len(before)))] == neverEnds
}

// starters are words that begin sentences and no names.
var starters = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`The A An In On At By To For From With Without When While Where Whereas After Before Although Though
		Thus Therefore Moreover Furthermore Hence However Here We Our This That These Those It Its They Their There Then Such Since Because
		As If Both Each All Some Most Many Several Other Another One Two Three First Second Third Finally Also Additionally Besides
		Meanwhile Consequently Accordingly Similarly Likewise Recently During Under Due Based Compared According Using Figure Figures
		Fig Figs Table Tables Only Not Nevertheless Nonetheless Interestingly Notably Note Indeed Overall Upon Within Among Between
		Through Through Until What Which How Why Is Are Was Were Can Could May Might Should Will Would Samples Results X-ray
		Subsequently Generally Typically Briefly Specifically Particularly`) {
		m[w] = true
	}
	return m
}()

// follows tells whether a sentence can begin with s after a stop of a kind.
func follows(s string, kind stopKind) bool {
	word := s
	if i := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",.;:()", r) }); i > 0 {
		word = s[:i]
	}
	r, _ := utf8.DecodeRuneInString(s)
	lower := unicode.IsLower(r)
	if lower && smallStart(word) && (kind == plainStop || kind == strongStop) {
		return true
	}
	if lower || strings.ContainsRune(",;:%)]}–—=<>±×/", r) {
		return false
	}
	switch kind {
	case neverEnds, numbering:
		return false
	case beforeName:
		return starters[word] && !(word == "A" && len(s) > 2 && isDigit(rune(s[2]))) // Chem. A 2
	case numbered:
		return !unicode.IsDigit(r) && r != '(' && r != '['
	case unitStop:
		return !unicode.IsDigit(r) && !strings.HasPrefix(s, "-")
	case company:
		_, more := stopKinds[strings.ToLower(word)]
		return !more && r != '(' && r != '&'
	}
	return true
}

// smallStart tells words that begin with a small letter for good: pH, n-type,
// α-Fe2O3.
func smallStart(word string) bool {
	rs := []rune(word)
	if len(rs) < 2 {
		return false
	}
	if rs[1] == '-' || rs[1] == '‐' || rs[1] == '‑' {
		return len(rs) > 3
	}
	return unicode.IsUpper(rs[1]) || unicode.Is(unicode.Greek, rs[0]) && !unicode.Is(unicode.Greek, rs[1])
}
