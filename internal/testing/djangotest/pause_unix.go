//go:build unix

package djangotest

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"time"
)

// pause returns when the process has stopped, where the system tells: until then it may still answer something.
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
