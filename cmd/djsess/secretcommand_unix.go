//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// killAsGroup has a program run in a process group of its own, all of which is killed when the
// program's context ends.
func killAsGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
