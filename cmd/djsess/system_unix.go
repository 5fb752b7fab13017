//go:build unix

package main

import (
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// openFile opens a file. It does not wait for a writer if the file is a pipe.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
}

func ownerOf(file fs.FileInfo) int { return int(file.Sys().(*syscall.Stat_t).Uid) }

func ownedByUs(file fs.FileInfo) bool {
	owner := ownerOf(file)
	return owner == os.Geteuid() || owner == 0
}

// writableByOthers reports whether users other than the owner may write to a file. A group
// with the owner's own number is the owner's private group, which many systems let write
// (umask 002). Group 0 may have other members.
func writableByOthers(file fs.FileInfo) bool {
	const group, all = 0o020, 0o002
	mode, owner := file.Mode().Perm(), file.Sys().(*syscall.Stat_t)
	private := owner.Gid == owner.Uid && owner.Gid != 0
	return mode&all != 0 || mode&group != 0 && !private
}

func readableByAll(file fs.FileInfo) bool { return file.Mode().Perm()&0o004 != 0 }

// killAsGroup has a program run in a process group of its own, all of which is killed when the
// program's context ends.
func killAsGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
