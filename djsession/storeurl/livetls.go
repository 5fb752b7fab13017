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

// liveTLS is a TLS connection of which go-redis can tell that the server has closed it,
// when it takes it from its pool. Of others it cannot: it looks at the socket that a
// connection gives it, and a *tls.Conn gives none.
type liveTLS struct{ *tls.Conn }

// SyscallConn is for syscall.Conn.
func (c liveTLS) SyscallConn() (syscall.RawConn, error) { return peekedConn(c), nil }

// peekedConn tells go-redis what netpeek sees: what there is to read from the socket
// itself need be no answer, but TLS's own.
type peekedConn struct{ *tls.Conn }

func (c peekedConn) Read(func(fd uintptr) bool) error {
	if netpeek.Closed(c.Conn) {
		return io.EOF
	}
	return nil
}

func (peekedConn) Write(func(fd uintptr) bool) error { return errors.ErrUnsupported }
func (peekedConn) Control(func(fd uintptr)) error    { return errors.ErrUnsupported }

// dialLiveTLS returns what go-redis connects with.
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
