//go:build !linux

package checkpoint

import "errors"

func mountTmpfs(string, string) error { return errors.ErrUnsupported }
func unmount(string)                  {}
