package vulkan

// wideTiles is the number of tiles of 128 x 128 that keep a large device busy;
// with fewer, tiles of 64 x 64 spread the work better.
const wideTiles = 96

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
