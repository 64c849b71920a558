package graph

import "github.com/kiban-models/kiban/core/tensor"

// CacheWriteAttr holds the constants of "cache_write": row b*Len+t of the
// source, columns Offset to Offset+Width, goes to row b*CacheLen+pos[b]+t of
// the cache, whose rows are Width wide. Rows past CacheLen are dropped.
type CacheWriteAttr struct{ Batch, Len, CacheLen, Offset, Width int }

// CacheWrite stores columns offset to offset+width of src [B*T, C] into the
// state cache [B, L, width] at row pos[b] (i32 [B]), and returns the cache
// with the new rows, for attention to read.
func CacheWrite(cache, src, pos *Node, offset int) *Node {
	g := cache.g
	if len(cache.shape) != 3 {
		return g.bad(cache.dtype, cache.shape, "cache_write: cache %v, wanted [B, L, width]", cache)
	}
	at := CacheWriteAttr{Batch: cache.shape[0], CacheLen: cache.shape[1], Offset: offset, Width: cache.shape[2]}
	if at.Batch > 0 {
		at.Len = src.rows() / at.Batch
	}
	if at.Len*at.Batch != src.rows() || offset+at.Width > src.cols() || pos.Len() != at.Batch ||
		pos.dtype != tensor.I32 || src.dtype != cache.dtype {
		return g.bad(cache.dtype, cache.shape, "cache_write: source %v and positions %v do not fit cache %v", src, pos, cache)
	}
	n := g.op("cache_write", at, cache.dtype, cache.shape, cache, src, pos)
	g.Store(cache, n)
	return n
}
