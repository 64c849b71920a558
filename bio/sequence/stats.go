package sequence

// Stats are the eight columns of seqkit stats, in its order.
type Stats struct {
	File   string  `json:"file"`
	Format string  `json:"format"`
	Type   string  `json:"type"`
	Num    int64   `json:"num_seqs"`
	Sum    int64   `json:"sum_len"`
	Min    int64   `json:"min_len"`
	Avg    float64 `json:"avg_len"`
	Max    int64   `json:"max_len"`
}

// Add counts a sequence of n residues.
func (s *Stats) Add(n int) {
	l := int64(n)
	if s.Num == 0 || l < s.Min {
		s.Min = l
	}
	s.Max = max(s.Max, l)
	s.Num++
	s.Sum += l
	s.Avg = float64(s.Sum) / float64(s.Num)
}
