package cpu

import "slices"

// arena is scratch memory of programs. Only one runs at a time and none leaves
// anything there, so those that it is large enough for share it: who loads
// several should begin with the largest.
type arena struct {
	block block
	size  int64
	users int
}

// arena returns one that is there and large enough, nil if there is none.
func (b *Backend) arena(size int64) *arena {
	i := slices.IndexFunc(b.arenas, func(a *arena) bool { return a.size >= size })
	if i < 0 {
		return nil
	}
	return b.arenas[i]
}

// use returns an arena for one more program.
func (b *Backend) use(size int64) (*arena, error) {
	a := b.arena(size)
	if a == nil {
		x, err := allocate(size)
		if err != nil {
			return nil, err
		}
		a = &arena{block: x, size: size}
		b.arenas = append(b.arenas, a)
	}
	a.users++
	return a, nil
}

// leave gives a program's part up; the last one frees the memory.
func (b *Backend) leave(a *arena) {
	if a == nil {
		return
	}
	if a.users--; a.users == 0 {
		a.block.free()
		b.arenas = slices.DeleteFunc(b.arenas, func(x *arena) bool { return x == a })
	}
}
