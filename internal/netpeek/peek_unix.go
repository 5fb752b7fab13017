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
		// Go's sockets do not block: one that is fine has nothing to read yet.
		_, _, err := syscall.Recvfrom(int(fd), buffer[:], syscall.MSG_PEEK)
		usable = err == syscall.EAGAIN || err == syscall.EINTR
		return true // do not wait
	})
	return err != nil || !usable
}
