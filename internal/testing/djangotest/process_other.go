//go:build !unix

package djangotest

import (
	"errors"
	"syscall"
)

func unprivileged([]string, string) (*syscall.SysProcAttr, error) { return nil, nil }

func pause(int) error  { return errors.ErrUnsupported }
func resume(int) error { return errors.ErrUnsupported }
