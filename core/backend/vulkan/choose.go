package vulkan

// wideTiles is the number of tiles of 128 x 128 that keep a large device busy;
// with fewer, tiles of 64 x 64 spread the work better.
const wideTiles = 96

// longSum is the length from which the shared variant sums by blocks: rounding
// grows with the length, and the registers for it cost speed.
const longSum = 1 << 14

// maxDepth is the largest depth of the tile variant.
const maxDepth = 16

// registerTile returns the rows, groups of four columns and depth of the tile variant.
// Large tiles load less for each product, but take longer to compile.
func registerTile(m, n, k int) (rows, quads, depth int) {
	rows, quads, depth = 8, 1, 4
	for rows > 1 && rows/2 >= m {
		rows /= 2
	}
	if m >= 32 && m*n*k >= 1<<22 {
		quads = min(4, max(1, n/32))
		if quads == 3 {
			quads = 2
		}
	}
	// Debian 12's lavapipe ends all loops of an invocation, silently, after
	// 65535 turns together.
	for k/depth+k/256+64 > 65535 {
		depth *= 2
	}
	return rows, quads, depth
}

// Bounds of products in tiles and parts.
const (
	someCores   = 48       // of a device that does not say how many it has
	sharedLimit = 48 << 10 // bytes of shared memory, what NVIDIA's driver allows a workgroup
	maxParts    = 8
	minPart     = 256      // elements of k
	maxPartial  = 64 << 20 // bytes of all parts
)

// coopTile is how a product is cut for cooperative matrices: tiles of rows x
// cols, pieces of so many elements of k at a time, and parts of k whose sums are
// added afterwards. Each subgroup has at most own[0] x own[1] matrices of sums.
// rows is 0 where the device lacks what it takes.
type coopTile struct {
	rows, cols, depth, parts int
	own                      [2]int
}

func (t coopTile) count(p product) int { return ceil(p.m, t.rows) * ceil(p.n, t.cols) }

// fits reports whether the device can do with a tile.
func (p product) fits(t coopTile, f *features) bool {
	in, _ := typeOf(p.a.DType) // the callers have checked it
	c := f.coop[in]
	if c.k == 0 {
		return false
	}
	gm, gn := c.grid(t)
	return p.coopShared(t, c) <= min(int(f.shared), sharedLimit) && gm*gn*int(f.SubgroupSize) <= f.invocations
}

// coopTile chooses tiles of a subgroup's cooperative matrices.
func (p product) coopTile(f *features) coopTile {
	var t coopTile
	// Large tiles read less for each product, if there are enough of them. For
	// 4 x 4 matrices of 16 x 16 a subgroup of 32 has the registers.
	for _, side := range []int{128, 64, 32} {
		for _, depth := range []int{32, 16} {
			if s := (coopTile{side, side, depth, 1, [2]int{4, 4}}); p.fits(s, f) {
				t = s
				break
			}
		}
		if t.rows > 0 && t.count(p) >= f.cores {
			break
		}
	}
	if f.tile.rows > 0 && p.fits(f.tile, f) {
		t = f.tile
	}
	if t.rows > 0 {
		t.parts = max(t.parts, p.parts(t.count(p), f))
	}
	return t
}

// parts returns how many workgroups share a sum: where half of the device would
// be idle, several.
func (p product) parts(tiles int, f *features) int {
	if tiles > f.cores/2 {
		return 1
	}
	return max(1, min(f.cores/tiles, p.k/minPart, maxPartial/(4*p.m*p.n), maxParts))
}

// matmulVariant returns the shader for a product:
// "vec" reads the second matrix once for a few rows, "coop" is cooperative
// matrices, many times as fast as other arithmetic where there are such,
// "shared" uses shared memory, and "tile" only registers, which is best where
// the device is the CPU (on Debian 12's lavapipe several times faster than the
// others). "coop2", cooperative matrices of a workgroup, is taken only by name:
// lavapipe has none, so it has never run.
func matmulVariant(p product, f *features) string {
	coop := p.coopTile(f).rows > 0
	switch {
	case f.matmul == "vec" && p.m > vecRows, f.matmul == "coop" && !coop,
		f.matmul == "coop2" && p.coop2Tile(f).rows == 0:
		return "tile"
	case f.matmul != "":
		return f.matmul
	case f.software() || f.invocations < 256 || f.shared < 32<<10:
		return "tile"
	case p.m <= vecRows:
		return "vec"
	case coop:
		return "coop"
	}
	return "shared"
}

// joins returns how many rows, and bytes of them, may be normed by the product
// that takes them: few ones, where a product of few rows has the shader for that.
// What that needs of shared memory besides is normJoined at most.
func (f *features) joins() (rows int, bytes int64) {
	small := product{m: 1}
	if matmulVariant(small, f) != "vec" || !f.addsInSubgroups() || f.bindings < normMatMulBindings {
		return 0, 0
	}
	return vecRows, max(0, min(f.shared, sharedLimit)-besideNormed)
}

// Widths of a head up to which the registers of a subgroup of 32 have room: for
// two matrices of rows and their sums, and for one.
const narrowHead, coopHead = 64, 128

// coopTile chooses how a kernel of attention is cut for cooperative matrices, by
// which it is done wherever there are such and the device is no CPU, dropout
// included. Wider heads and f32 are left to the plain kernels, which need fewer
// registers.
func (a *attention) coopTile(shader string, n, heads int) attentionTile {
	if a.f.attention == "plain" || a.f.attention == "" && a.f.software() || a.Width > coopHead {
		return attentionTile{}
	}
	if a.fits(a.f.attentionTile, shader) {
		return a.f.attentionTile
	}
	// More rows to a subgroup read less for each product, if there are enough
	// workgroups, and registers: the result has one sum, a gradient more of them
	// or more operands.
	owns := []int{1, 2, 4}
	if a.Width <= narrowHead && shader == "attention" && ceil(n, 128)*heads*a.Batch >= a.f.cores {
		owns = []int{2, 1, 4}
	}
	for _, subgroups := range []int{4, 2, 1} {
		for _, own := range owns {
			for _, cols := range []int{32, 16} {
				if t := (attentionTile{subgroups, own, cols}); a.fits(t, shader) {
					return t
				}
			}
		}
	}
	return attentionTile{}
}

// Bounds of attention of few queries in parts: a part has at least a tile of
// keys, and tiles are small where there are parts, so that they can be even.
const (
	partTile      = 64
	maxKeyParts   = 32
	maxPartTile   = 128
	groupsPerCore = 2 // that are wanted
)

// decodeCut chooses how many keys attention.decode meets at a time, and into how
// many parts keys are divided: as many as give each core two workgroups, where
// queries and heads alone give it no more than one.
func (a *attention) decodeCut() (lanes, parts int) {
	lanes, parts = a.decodeLanes(), 1
	groups := a.Batch * a.Heads * a.QueryLen
	if !a.f.software() && groups <= a.f.cores {
		parts = max(1, min(groupsPerCore*a.f.cores/groups, a.KeyLen/partTile, maxKeyParts))
	}
	if a.f.attentionParts > 0 {
		parts = a.f.attentionParts
	}
	if parts > 1 {
		lanes = min(lanes, int(largest(max(partTile, min(maxPartTile, a.KeyLen/parts)))))
	}
	return lanes, parts
}

// logits returns how many bytes of logits should exist at a time: a 64th of the
// device's memory, within a binding. It depends on nothing that changes from
// run to run, since sums are in the order of the chunks. 0 leaves it to the graph.
func (f *features) logits(most int64) int64 {
	if f.software() {
		return 0
	}
	return min(max(32<<20, f.info.MemoryTotal/64), most)
}

// Bounds of sums down columns in parts of their rows: of a part, what a workgroup
// loads at a time, and of all, for fewer of which a second dispatch takes longer
// than it saves.
const minPartRows, minRowsInParts = 8 * rowLanes, 1024

// partRows chooses how many rows a workgroup sums, where so many workgroups have
// all columns: as many as give each core two, where the columns alone give it no
// more than one.
func (f *features) partRows(rows, groups int) int {
	if f.rowParts > 0 {
		return max(1, ceil(rows, f.rowParts))
	}
	if f.software() || groups > f.cores || rows < minRowsInParts {
		return max(1, rows)
	}
	parts := groupsPerCore * f.cores / max(1, groups)
	return minPartRows * ceil(rows, parts*minPartRows)
}
