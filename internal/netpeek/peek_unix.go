//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpeek

import (
	"net"
	"syscall"
)

func closed(conn net.Conn) bool {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	usable := false
	err = raw.Read(func(fd uintptr) bool {
		var buffer [1]byte
		// Go's sockets are non-blocking: on a good one there is nothing to read yet (EAGAIN).
		_, _, err := syscall.Recvfrom(int(fd), buffer[:], syscall.MSG_PEEK)
		usable = err == syscall.EAGAIN || err == syscall.EINTR
		return true // do not wait
	})
	return err != nil || !usable
}
