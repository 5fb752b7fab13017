package storeurl

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/djsess/djsess/internal/netpeek"
)

// liveTLS is a TLS connection that lets go-redis detect that the server has closed it. go-redis
// looks at a connection's socket when it takes the connection from its pool, but a *tls.Conn does
// not expose its socket.
type liveTLS struct{ *tls.Conn }

// SyscallConn implements syscall.Conn.
func (c liveTLS) SyscallConn() (syscall.RawConn, error) { return peekedConn(c), nil }

// peekedConn is the syscall.RawConn of a liveTLS. Its Read calls netpeek in place of go-redis's
// function, which must not read TLS records from the socket.
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
func (u *storeURL) dialLiveTLS(config *tls.Config, timeout time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		config := config.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(address)
		}
		secure := tls.Client(conn, config)
		var isPlain atomic.Bool
		asking := time.AfterFunc(plainAfter, func() {
			if answersPlain(ctx, network, address) {
				isPlain.Store(true)
				conn.Close()
			}
		})
		err = secure.HandshakeContext(ctx)
		asking.Stop()
		if err == nil {
			return liveTLS{secure}, nil
		}
		conn.Close()
		var answer tls.RecordHeaderError
		if isPlain.Load() || errors.As(err, &answer) {
			return nil, fmt.Errorf("connect to %s: the server does not speak TLS: write %s://", address, withoutTLS(u.scheme))
		}
		return nil, err
	}
}

// withoutTLS returns the scheme for a server without TLS.
func withoutTLS(scheme string) string {
	return strings.NewReplacer("rediss", "redis", "valkeys", "valkey").Replace(scheme)
}

// plainAfter is how long a TLS handshake may go without an answer until the server is asked in plain
// text. A Redis without TLS waits for the end of the line that the handshake seems to be.
const plainAfter = time.Second

// answersPlain reports whether a server answers in plain text, as a Redis without TLS does.
func answersPlain(ctx context.Context, network, address string) bool {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return false
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return false
	}
	answer := make([]byte, 1)
	_, err = io.ReadFull(conn, answer)
	return err == nil && (answer[0] == '+' || answer[0] == '-')
}
