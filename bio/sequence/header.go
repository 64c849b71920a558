package sequence

import (
	"strconv"
	"strings"
)

// Header is what UniProt and UniRef say in a FASTA header. Fields that a
// header lacks are empty.
type Header struct {
	Database    string // "sp", "tr", or "UniRef50", "UniRef90", "UniRef100"
	Accession   string // P62593, also for UniRef50_P62593; else the ID
	Name        string // entry name such as BLAT_ECOLX
	Description string // protein or cluster name
	Organism    string // OS=, or Tax= of UniRef
	TaxID       int    // OX=, or TaxID=
	Gene        string // GN=
	Evidence    int    // PE=, 1 to 5
	Version     int    // SV=
	ClusterSize int    // n= of UniRef
	RepID       string // RepID= of UniRef
}

// Header parses the header. It accepts any text: what does not look like
// UniProt or UniRef has only Accession and Description. Of headers joined by
// Ctrl-A it parses the first.
func (r Record) Header() Header {
	desc, _, _ := strings.Cut(r.Description, "\x01")
	h := Header{Accession: r.ID}
	if parts := strings.Split(r.ID, "|"); len(parts) == 3 && (parts[0] == "sp" || parts[0] == "tr") {
		h.Database, h.Accession, h.Name = parts[0], parts[1], parts[2]
		h.Description = cutFields(desc, []string{"OS", "OX", "GN", "PE", "SV"}, h.set)
		return h
	}
	if db, acc, ok := strings.Cut(r.ID, "_"); ok && (db == "UniRef50" || db == "UniRef90" || db == "UniRef100") {
		h.Database, h.Accession = db, acc
		h.Description = cutFields(desc, []string{"n", "Tax", "TaxID", "RepID"}, h.set)
		return h
	}
	h.Description = desc
	return h
}

func (h *Header) set(key, value string) {
	number := func(p *int) {
		word, _, _ := strings.Cut(value, " ") // tools append fields of their own
		if n, err := strconv.Atoi(word); err == nil && n >= 0 {
			*p = n
		}
	}
	switch key {
	case "OS", "Tax":
		h.Organism = value
	case "OX", "TaxID":
		number(&h.TaxID)
	case "GN":
		h.Gene = value
	case "PE":
		number(&h.Evidence)
	case "SV":
		number(&h.Version)
	case "n":
		number(&h.ClusterSize)
	case "RepID":
		h.RepID = value
	}
}

// cutFields splits "text K=v K2=v with blanks" into the text and the values of
// the known keys; a key counts at its last place, since names may contain '='.
func cutFields(s string, keys []string, set func(key, value string)) string {
	end := len(s)
	for i := len(keys) - 1; i >= 0; i-- {
		mark := " " + keys[i] + "="
		at := strings.LastIndex(" "+s[:end], mark)
		if at < 0 {
			continue
		}
		// In s the match lies one byte earlier.
		set(keys[i], strings.TrimSpace(s[at+len(mark)-1:end]))
		end = max(at-1, 0)
	}
	return strings.TrimSpace(s[:end])
}
