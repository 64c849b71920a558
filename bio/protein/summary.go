package protein

import (
	"github.com/kiban-models/kiban/bio/sequence"
	"github.com/kiban-models/kiban/core/dataset"
)

// Summary says what Prepare read, dropped and wrote. The first eight columns
// are those of seqkit stats, over the valid sequences as read, before
// duplicates (of IDs too) and lengths were looked at.
type Summary struct {
	sequence.Stats

	Duplicates   int64 `json:"duplicates"`    // sequences dropped: equal to an earlier one
	DuplicateIDs int64 `json:"duplicate_ids"` // records dropped or renamed
	Invalid      int64 `json:"invalid"`       // records dropped
	Replaced     int64 `json:"replaced"`      // invalid letters made X
	Empty        int64 `json:"empty"`         // records dropped
	TooShort     int64 `json:"too_short"`     // sequences dropped
	TooLong      int64 `json:"too_long"`      // sequences dropped
	LowerCase    int64 `json:"lower_case"`    // residues turned to upper case
	Stops        int64 `json:"stops"`         // '*' removed from the end
	Gaps         int64 `json:"gaps"`          // gaps removed
	Nonstandard  int64 `json:"nonstandard"`   // residues U O B Z X J, as read

	// Groups are what the split kept together; without grouping every sequence
	// is one.
	Groups             int64 `json:"groups"`
	LargestGroup       int64 `json:"largest_group"`                 // sequences
	NearDuplicates     int64 `json:"near_duplicates"`               // sequences in groups of two and more
	Leaked             int64 `json:"leaked"`                        // validation sequences with one of their group in training
	LeakedAlone        int64 `json:"leaked_without_groups"`         // the same if every sequence went by itself
	UnusedClusterLines int64 `json:"cluster_lines_unused,omitzero"` // members that are not in the input

	Train      Part `json:"train"`
	Validation Part `json:"validation"`

	Tokens           int64   `json:"tokens"`             // both parts, <|endoftext|> and line breaks included
	ResiduesPerToken float64 `json:"residues_per_token"` // of both parts
	VocabSize        int     `json:"vocab_size"`

	Lengths  []dataset.LengthBin `json:"lengths"`  // of the sequences kept
	Residues map[string]int64    `json:"residues"` // letters of the sequences kept
	Split    dataset.SplitRule   `json:"split"`
	Sources  []dataset.Source    `json:"sources"`
}

// Part counts one side of the split.
type Part struct {
	Sequences int64 `json:"sequences"`
	Residues  int64 `json:"residues"`
	Tokens    int64 `json:"tokens"`
}
