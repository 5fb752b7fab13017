package storeurl

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/djsess/djsess/internal/netpeek"
)

// liveTLS is a TLS connection that lets go-redis notice that the server has closed it.
// go-redis looks at a connection's socket when it takes the connection from its pool, but a
// *tls.Conn does not give it the socket.
type liveTLS struct{ *tls.Conn }

// SyscallConn implements syscall.Conn.
func (c liveTLS) SyscallConn() (syscall.RawConn, error) { return peekedConn(c), nil }

// peekedConn tells go-redis what netpeek sees. go-redis must not read from the socket
// itself, which holds TLS records.
type peekedConn struct{ *tls.Conn }

func (c peekedConn) Read(func(fd uintptr) bool) error {
	if netpeek.Closed(c.Conn) {
		return io.EOF
	}
	return nil
}

func (peekedConn) Write(func(fd uintptr) bool) error { return errors.ErrUnsupported }
func (peekedConn) Control(func(fd uintptr)) error    { return errors.ErrUnsupported }

// dialLiveTLS returns a function for go-redis to connect with.
func dialLiveTLS(config *tls.Config, timeout time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: timeout}, Config: config}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return liveTLS{conn.(*tls.Conn)}, nil
	}
}
