//go:build !unix

package token

import "time"

var began = time.Now()

func worked() time.Duration { return time.Since(began) }
