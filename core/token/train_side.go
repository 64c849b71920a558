package token

// side gathers what one step of training changes on the left, or on the right,
// of the new tokens: all by the id of the neighbour there.
type side struct {
	minus, plus []int64 // occurrences lost with the old token and won with the new
	last        []int32 // one more than the last word seen with it
	words       []int32 // how many words were seen with it
	touched     []int32
	seen        []neighbour
}

type neighbour struct{ id, word int32 }

func (s *side) grow(n int) {
	if more := n - len(s.plus); more > 0 {
		s.minus = append(s.minus, make([]int64, more)...)
		s.plus = append(s.plus, make([]int64, more)...)
		s.last = append(s.last, make([]int32, more)...)
		s.words = append(s.words, make([]int32, more)...)
	}
}

func (s *side) touch(id int32) {
	if s.minus[id] == 0 && s.plus[id] == 0 {
		s.touched = append(s.touched, id)
	}
}

func (s *side) lose(id int32, n int64) {
	s.touch(id)
	s.minus[id] += n
}

func (s *side) win(id, word int32, n int64) {
	s.touch(id)
	s.plus[id] += n
	if s.last[id] != word+1 {
		s.last[id] = word + 1
		s.words[id]++
		s.seen = append(s.seen, neighbour{id, word})
	}
}
