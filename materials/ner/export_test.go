package ner

// Together is for tests.
func (t *Tagger) Together(w Window, pieces [][]float32) [][]float32 { return t.together(w, pieces) }
