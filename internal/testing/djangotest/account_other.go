//go:build !unix

package djangotest

import "syscall"

func unprivileged([]string, string) (*syscall.SysProcAttr, error) { return nil, nil }
