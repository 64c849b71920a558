package main

import (
	"math"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// sizeFlag reads a number of bytes, such as 512M or 5G, in powers of 1024; GB
// and GiB are the same.
func sizeFlag(c *cli.Context, name string) (int64, error) {
	text := c.String(name)
	number := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text), "B"), "I")
	shift := 0
	if i := strings.IndexByte("KMGT", lastByte(number)); i >= 0 {
		shift, number = 10*(i+1), number[:len(number)-1]
	}
	n, err := strconv.ParseFloat(number, 64)
	if v := n * float64(int64(1)<<shift); err == nil && v >= 1 && v < math.MaxInt64 {
		return int64(v), nil
	}
	return 0, usagef("flag --%s: %q is no size; give a number of bytes such as 512M or 5G. See %s --help", name, text, c.Command.HelpName)
}

// lastByte is the last byte of s, which no size ends with if s is empty.
func lastByte(s string) byte {
	if s == "" {
		return ' '
	}
	return s[len(s)-1]
}
