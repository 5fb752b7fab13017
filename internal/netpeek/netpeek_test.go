package netpeek_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/djsess/djsess/internal/netpeek"
)

// wrapped is a connection inside of another one, as under TLS.
type wrapped struct{ net.Conn }

func (w wrapped) NetConn() net.Conn { return w.Conn }

func TestClosed(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn){
		"closed":      func(c *net.TCPConn) { c.Close() },
		"reset":       func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
		"half closed": func(c *net.TCPConn) { c.CloseWrite() },
		"last words":  func(c *net.TCPConn) { c.Write([]byte("I am closing")) },
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			other, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()

			// An answer that has been read leaves the connection as it was.
			if _, err := io.WriteString(other, "x"); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if netpeek.Closed(conn) || netpeek.Closed(wrapped{conn}) {
				t.Error("an idle connection counts as closed")
			}
			end(other.(*net.TCPConn))
			for range 1000 { // until it has come
				if netpeek.Closed(conn) {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if !netpeek.Closed(conn) || !netpeek.Closed(wrapped{conn}) {
				t.Error("it does not count as closed")
			}
		})
	}
}
