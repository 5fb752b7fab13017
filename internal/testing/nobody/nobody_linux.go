// Package nobody runs a part of a test with the file permissions of a user who owns no file.
package nobody

import (
	"os"
	"runtime"
	"syscall"
)

// ID is the user and the group nobody.
const ID = 65534

// Run runs f with the file permissions of nobody. Only root can do that; as another user f runs with
// that user's permissions.
func Run(f func()) {
	runtime.LockOSThread() // the user for file permissions is set per thread
	defer runtime.UnlockOSThread()
	if os.Getuid() == 0 {
		syscall.Setfsgid(ID)
		syscall.Setfsuid(ID)
		defer syscall.Setfsgid(0)
		defer syscall.Setfsuid(0)
	}
	f()
}
