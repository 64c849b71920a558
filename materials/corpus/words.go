package corpus

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words cuts a sentence into words as ChemDataExtractor does (M. C. Swain and
// J. M. Cole 2016), whose words Matscholar's and SOFC-Exp's labels are of:
// white space parts words; so do signs such as %, °, /, = and dashes, which are
// words of their own; punctuation and brackets are peeled off the ends of a
// word, but a formula keeps its brackets; a hyphen parts a compound unless one
// side of it is a prefix, a number or a letter, and a number is parted from its
// unit. Spans are bytes of the sentence: ascending, without overlap, and every
// visible character is in one. The work is linear but for the words with
// hyphens, which are looked at up to 256 bytes.
func Words(sentence string) []Span {
	var all []Span
	for at := 0; at < len(sentence); {
		at = skipSpace(sentence, at, len(sentence))
		end := len(sentence)
		if i := strings.IndexFunc(sentence[at:], unicode.IsSpace); i >= 0 {
			end = at + i
		}
		if at < end {
			last := strings.TrimSpace(sentence[end:]) == "" // of the sentence
			all = chunk(all, sentence, at, end, last)
		}
		at = end
	}
	return all
}

// signs are words of their own wherever they stand.
const signs = "–—―~⁓∼°@#$£€%&?!™®…⋯†‡§¶≠≡≤≥≦≧⩽⩾≪≫≈≃≅=÷×⇄←↔⇒±\"“”„‟‘‚`´<>/∕:;■●▪◦★"

// chunk cuts what stands between white space.
func chunk(all []Span, s string, at, end int, last bool) []Span {
	if hasScheme(s[at:end]) {
		return address(all, s, at, end, last)
	}
	if last {
		stop := end
		for stop > at { // quotation marks and brackets may follow the stop
			r, n := utf8.DecodeLastRuneInString(s[at:stop])
			if !strings.ContainsRune("'‘’\"“”)]}", r) {
				break
			}
			stop -= n
		}
		if stop > at+1 && s[stop-1] == '.' && !strings.HasSuffix(s[at:stop], "..") && !keepsStop(s[at:stop]) {
			all = signed(all, s, at, stop-1)
			all = append(all, Span{stop - 1, stop})
			return signed(all, s, stop, end)
		}
		if i := citationStop(s[at:end]); i > 0 {
			all = signed(all, s, at, at+i)
			all = append(all, Span{at + i, at + i + 1})
			return signed(all, s, at+i+1, end)
		}
	}
	return signed(all, s, at, end)
}

// keepsStop tells abbreviations that close a sentence with their own stop.
func keepsStop(word string) bool {
	switch word {
	case "al.", "Co.", "Ltd.", "Pvt.", "U.K.", "U.S.", "r.t.", "etc.":
		return true
	}
	return false
}

// citationStop returns the place of the stop in "stability.12,13", or 0.
func citationStop(s string) int {
	i := strings.LastIndexByte(s, '.')
	if i < 1 || i+1 == len(s) || strings.Trim(s[i+1:], "0123456789,–-−") != "" || !isDigit(rune(s[i+1])) {
		return 0
	}
	if r, _ := utf8.DecodeLastRuneInString(s[:i]); unicode.IsLower(r) && unicode.IsLetter(r) || strings.ContainsRune(")]", r) {
		return i
	}
	return 0
}

// address keeps an address whole but for what closes it.
func address(all []Span, s string, at, end int, last bool) []Span {
	stop := at + len(strings.TrimRight(s[at:end], ".,;:)]}>\"'”’"))
	if stop == at {
		return signed(all, s, at, end)
	}
	all = append(all, Span{at, stop})
	for i, r := range s[stop:end] {
		all = append(all, Span{stop + i, stop + i + utf8.RuneLen(r)})
	}
	return all
}

// signed cuts around signs.
func signed(all []Span, s string, at, end int) []Span {
	from := at
	for i := at; i < end; {
		r, n := utf8.DecodeRuneInString(s[i:end])
		if strings.ContainsRune(signs, r) && r != utf8.RuneError && !betweenSigns(s, at, i, n, end) {
			if from < i {
				all = peel(all, s, from, i)
			}
			all = append(all, Span{i, i + n})
			from = i + n
		}
		i += n
	}
	if from < end {
		all = peel(all, s, from, end)
	}
	return all
}

// betweenSigns tells the slash of "+/-".
func betweenSigns(s string, at, i, n, end int) bool {
	if s[i] != '/' || i == at || i+n == end {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(s[at:i])
	after, _ := utf8.DecodeRuneInString(s[i+n : end])
	return strings.ContainsRune("+-−", before) && strings.ContainsRune("+-−", after)
}

// peel takes punctuation and brackets without a partner off the ends of a
// word, and round ones if they enclose it.
func peel(all []Span, s string, at, end int) []Span {
	base, pairs := at, partners(s[at:end])
	single := func(at, from, end int) bool { // no partner between from and end
		q := base + int(pairs[at-base])
		return pairs[at-base] < 0 || q < from || q >= end
	}
	var tail []Span // what is peeled off the end, last first
	for at < end {
		first, n := utf8.DecodeRuneInString(s[at:end])
		last, m := utf8.DecodeLastRuneInString(s[at:end])
		switch {
		case end-at == n:
			all, at = append(all, Span{at, end}), end
		case strings.ContainsRune(",’'", last):
			tail, end = append(tail, Span{end - m, end}), end-m
		case strings.ContainsRune(",'", first):
			all, at = append(all, Span{at, at + n}), at+n
		case isBracket(first) && single(at, at, end), first == '(' && base+int(pairs[at-base]) == end-1:
			all, at = append(all, Span{at, at + n}), at+n
		case isBracket(last) && single(end-1, at, end):
			tail, end = append(tail, Span{end - m, end}), end-m
		default:
			if p := possessive(s[at:end]); p > 0 {
				tail, end = append(tail, Span{end - p, end}), end-p
				continue
			}
			all = compound(all, s, at, end, func(i int) int { // the end of the bracket at i
				if pairs == nil || pairs[i-base] < 0 {
					return i
				}
				return base + int(pairs[i-base])
			})
			at = end
		}
	}
	for i := len(tail) - 1; i >= 0; i-- {
		all = append(all, tail[i])
	}
	return all
}

// possessive returns the length of the 's at the end of a word, or 0.
func possessive(s string) int {
	for _, p := range []string{"'s", "’s"} {
		if before, ok := strings.CutSuffix(s, p); ok && before != "" {
			if r, _ := utf8.DecodeLastRuneInString(before); unicode.IsLetter(r) {
				return len(p)
			}
		}
	}
	return 0
}

func isBracket(r rune) bool { return strings.ContainsRune("()[]{}", r) }

// partners returns for each byte of a word that is a bracket the place of its
// partner, -1 if it has none; nil if the word has no bracket.
func partners(s string) []int32 {
	if !strings.ContainsAny(s, "()[]{}") {
		return nil
	}
	p := make([]int32, len(s))
	var open []int32
	for i := range len(s) {
		p[i] = -1
		switch s[i] {
		case '(', '[', '{':
			open = append(open, int32(i))
		case ')', ']', '}':
			for j := len(open) - 1; j >= 0 && j >= len(open)-4; j-- {
				if s[open[j]] == opener(s[i]) {
					p[i], p[open[j]] = open[j], int32(i)
					open = open[:j]
					break
				}
			}
		}
	}
	return p
}

func opener(c byte) byte {
	switch c {
	case ')':
		return '('
	case ']':
		return '['
	}
	return '{'
}
