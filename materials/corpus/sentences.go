package corpus

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sentences cuts a text into sentences, without the white space around them:
// ascending, without overlap, and every other character is in one.
//
// A sentence ends with a stop, with what closes a quotation or bracket behind
// it and the numbers of citations, if what follows can begin one, and at a
// blank line. A line break ends one only where lines are not wrapped: beside a
// line of more than 200 bytes, and after a line that is but a DOI or an
// address. The work is linear in the text.
func Sentences(text string) []Span {
	var all []Span
	for at := 0; at < len(text); {
		end := paragraph(text, at)
		all = sentencesIn(all, text, at, end)
		at = end
	}
	return all
}

// unwrapped is the length of a line from which nobody wraps lines.
const unwrapped = 200

// paragraph returns the end of the paragraph at a place.
func paragraph(text string, at int) int {
	line := at
	for {
		end, next := lineAt(text, line)
		if next == len(text) {
			return next
		}
		after, _ := lineAt(text, next)
		switch {
		case strings.HasPrefix(text[end:], "\f"), strings.HasPrefix(text[end:], "\u2029"): // a page, a paragraph
			return next
		case blank(text[line:end]), blank(text[next:after]):
			return next
		case end-line > unwrapped, after-next > unwrapped, isAddress(strings.TrimSpace(text[line:end])):
			return next
		}
		line = next
	}
}

// lineAt returns the end of the line at a place and the start of the next.
func lineAt(text string, at int) (end, next int) {
	i := strings.IndexAny(text[at:], "\n\r\f\u2028\u2029")
	if i < 0 {
		return len(text), len(text)
	}
	end = at + i
	if strings.HasPrefix(text[end:], "\r\n") {
		return end, end + 2
	}
	_, n := utf8.DecodeRuneInString(text[end:])
	return end, end + n
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

func isAddress(s string) bool {
	if strings.ContainsAny(s, " \t") {
		return false
	}
	return strings.HasPrefix(s, "10.") && strings.Contains(s, "/") || hasScheme(s)
}

func hasScheme(s string) bool {
	for _, p := range []string{"http://", "https://", "ftp://", "www.", "doi:"} {
		if len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) {
			return true
		}
	}
	return false
}

func sentencesIn(all []Span, text string, at, limit int) []Span {
	start := skipSpace(text, at, limit)
	for i := start; i < limit; {
		n := stopAt(text[i:limit])
		if n == 0 {
			i++
			continue
		}
		stop := i
		for n > 0 { // a run of them
			i += n
			n = stopAt(text[i:limit])
		}
		end, ok := sentenceEnd(text, start, stop, i, limit)
		if ok {
			all = append(all, Span{start, end})
			start = skipSpace(text, end, limit)
			i = start
		}
	}
	if end := len(strings.TrimRightFunc(text[start:limit], unicode.IsSpace)) + start; end > start {
		all = append(all, Span{start, end})
	}
	return all
}

func skipSpace(text string, at, limit int) int {
	return limit - len(strings.TrimLeftFunc(text[at:limit], unicode.IsSpace))
}

// stopAt returns the length of the stop with which s begins, or 0.
func stopAt(s string) int {
	switch {
	case s == "":
		return 0
	case s[0] == '.', s[0] == '?', s[0] == '!':
		return 1
	case strings.HasPrefix(s, "…"), strings.HasPrefix(s, "。"), strings.HasPrefix(s, "．"):
		return 3
	}
	return 0
}

// sentenceEnd decides whether the sentence from start ends with the stops from
// stop to past, and where.
func sentenceEnd(text string, start, stop, past, limit int) (int, bool) {
	if text[stop] >= utf8.RuneSelf && text[stop:past] != "…" { // a full stop of CJK
		return skipClosers(text, past, limit), true
	}
	end := skipClosers(text, past, limit)
	closed := end > past
	end = skipCitations(text, stop, end, limit)
	if end == limit {
		return end, true
	}
	next := skipSpace(text, end, limit)
	if next == end {
		return 0, false
	}
	if next == limit {
		return end, true
	}
	word := wordBefore(text, start, stop)
	kind := kindOf(text, start, stop, word, closed || text[stop] != '.' || past-stop > 1)
	if follows(text[next:min(limit, next+maxWord)], kind) {
		return end, true
	}
	return 0, false
}

// maxWord is how far is looked from a stop, in bytes.
const maxWord = 48

func skipClosers(text string, at, limit int) int {
	for at < limit {
		r, n := utf8.DecodeRuneInString(text[at:limit])
		if !strings.ContainsRune(")]}\"'”’»›", r) {
			break
		}
		at += n
	}
	return at
}

// skipCitations passes over numbers that stand behind a stop, as superscripts
// become text: "stability.12,13 The", and over brackets: "used.[22] The".
func skipCitations(text string, stop, at, limit int) int {
	end := at
	switch r, _ := utf8.DecodeRuneInString(text[at:limit]); {
	case r == '[':
		for end < limit && text[end] == '[' {
			close := strings.IndexByte(text[end:min(limit, end+maxWord)], ']')
			if close < 0 || strings.Trim(text[end+1:end+close], "0123456789,;–-— ") != "" {
				return at
			}
			end += close + 1
			if end+1 < limit && (text[end] == ',' || text[end] == '-') && text[end+1] == '[' {
				end++
			}
		}
	case isDigit(r), isSuperscript(r):
		if r, _ := utf8.DecodeLastRuneInString(text[:stop]); isDigit(r) {
			return at // a decimal
		}
		for end < limit {
			r, n := utf8.DecodeRuneInString(text[end:limit])
			if !isDigit(r) && !isSuperscript(r) && !strings.ContainsRune(",–-−", r) {
				break
			}
			end += n
		}
		if end-at > maxWord || strings.HasSuffix(text[at:end], ",") {
			return at
		}
	}
	if end < limit {
		if r, _ := utf8.DecodeRuneInString(text[end:limit]); !unicode.IsSpace(r) {
			return at
		}
	}
	return end
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func isSuperscript(r rune) bool {
	return r == '¹' || r == '²' || r == '³' || '⁰' <= r && r <= '⁻'
}

// wordBefore returns the word that a stop closes.
func wordBefore(text string, start, stop int) string {
	from := stop
	for from > start && stop-from < maxWord {
		r, n := utf8.DecodeLastRuneInString(text[start:from])
		if unicode.IsSpace(r) || strings.ContainsRune("([{\"“‘'/–—;", r) {
			break
		}
		from -= n
	}
	return text[from:stop]
}
