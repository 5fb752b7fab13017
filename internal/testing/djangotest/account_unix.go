//go:build unix

package djangotest

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// unprivileged gives dir to the first of these system users that there is, and returns how to start a process as that
// user. Who is not root stays who he is. Either way the process leaves our process group, so that a Ctrl-C meant for the
// tests does not end a server before they do.
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
