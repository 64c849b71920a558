package pretrain

import "slices"

// packer puts sentences into rows of at most length tokens: [CLS] once, and
// after each sentence [SEP], as full sentences are packed for MatSciBERT
// (RoBERTa's FULL-SENTENCES).
type packer struct {
	length   int
	cls, sep int32
	starts   func(id int32) bool // begins a word
	row      []int32             // that is being filled; empty, or [CLS] and sentences
	emit     func(row []int32) error
}

// add appends a sentence. One that is longer than a row is cut, before a word
// if there is one to begin with.
func (p *packer) add(sentence []int32) error {
	for len(sentence) > 0 {
		part := sentence
		if most := p.length - 2; len(part) > most {
			cut := most
			for cut > 0 && !p.starts(sentence[cut]) {
				cut--
			}
			if cut == 0 {
				cut = most
			}
			part = sentence[:cut]
		}
		sentence = sentence[len(part):]
		if len(p.row) > 0 && len(p.row)+len(part)+1 > p.length {
			if err := p.flush(); err != nil {
				return err
			}
		}
		if len(p.row) == 0 {
			p.row = append(p.row, p.cls)
		}
		p.row = append(append(p.row, part...), p.sep)
	}
	return nil
}

// flush ends the row. The callee may not keep it.
func (p *packer) flush() error {
	if len(p.row) == 0 {
		return nil
	}
	row := p.row
	p.row = p.row[:0]
	return p.emit(row)
}

// open returns a copy of the row that is being filled.
func (p *packer) open() []int32 { return slices.Clone(p.row) }
