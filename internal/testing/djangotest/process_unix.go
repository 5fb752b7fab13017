//go:build unix

package djangotest

import (
	"bytes"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"
)

// unprivileged gives dir to the first of these system users that exists, and returns the attributes that start a process as
// that user. Without root, the process keeps the current user. In both cases it gets a process group of its own, so that a
// Ctrl-C does not end a server before the tests.
func unprivileged(accounts []string, dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	var account *user.User
	var err error
	for _, name := range accounts {
		if account, err = user.Lookup(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(dir, uid, gid)
}

// pause returns when the process has stopped, if the system can report that. Until then it may still answer.
func pause(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || bytes.Contains(stat, []byte(") T ")) {
			return nil
		}
	}
	return fmt.Errorf("process %d does not stop", pid)
}

func resume(pid int) error { return syscall.Kill(pid, syscall.SIGCONT) }
