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

// matmulVariant returns the shader for a product of m rows and n columns:
// "vec" reads the second matrix once for a few rows, "shared" uses shared
// memory, and "tile" only registers, which is best where the device is the CPU
// (on Debian 12's lavapipe several times faster than the others).
func matmulVariant(m, n int, f *features) string {
	const vecRows = 8
	switch {
	case f.matmul == "vec" && m > vecRows:
		return "tile"
	case f.matmul != "":
		return f.matmul
	case f.software() || f.invocations < 256 || f.shared < 32<<10:
		return "tile"
	case m <= vecRows:
		return "vec"
	}
	return "shared"
}
