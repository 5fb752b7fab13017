package storeurl

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A load from a host that drops packets ends, too. A listener whose queue is full stands in
// for the host.
func TestHostThatDropsPackets(t *testing.T) {
	t.Parallel()
	address := fullListener(t)
	for _, url := range []string{
		"postgres://u:p@ADDRESS/db?connect_timeout=1", "mysql://u:p@ADDRESS/db?timeout=1s", "mysql://u:p@ADDRESS/db?load_timeout=1",
		"redis://:p@ADDRESS/0?socket_connect_timeout=1", "redis://:p@ADDRESS/0?load_timeout=1", "redis-cluster://ADDRESS?load_timeout=1",
		"redis-sentinel://ADDRESS/main/0?load_timeout=1", "memcached://ADDRESS?timeout=1",
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			store, err := Open(strings.ReplaceAll(url, "ADDRESS", address), settings(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close() })
			wantTimeout(t, "load", soon(t, "load", func() error {
				_, err := store.Load(context.Background(), aKey)
				return err
			}), address)
		})
	}
}

// fullListener is an address at which connections are neither taken nor refused: Linux
// drops what comes to a listener whose queue is full.
func fullListener(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	in := name.(*syscall.SockaddrInet4)
	address := netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port)).String()
	for range 100 {
		conn, err := net.DialTimeout("tcp", address, 300*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("the listener's queue does not fill")
	return ""
}
