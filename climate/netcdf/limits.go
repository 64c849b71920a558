package netcdf

import "errors"

var errLongAttribute = errors.New("is longer than 1 MiB")

// A file may claim anything about itself; beyond these it is refused.
const (
	maxDimensions     = 1024
	maxVariables      = 8192
	maxAttributes     = 8192 // of a variable or group
	maxAttributeBytes = 1 << 20
	maxRank           = 16
	maxDepth          = 32        // of groups
	maxReadBytes      = 256 << 20 // in one call, and of one chunk
)
