// Package netpeek looks at a connection without using it.
package netpeek

import "net"

// Closed reports whether a connection that waits for its next request is of no more
// use: the other side has closed it, or has sent what nobody asked for, such as the
// reason why it is about to close it. It sends nothing, does not wait and takes
// nothing from what there is to read. Where the operating system or the kind of
// connection does not let it look, it reports false.
func Closed(conn net.Conn) bool {
	for {
		wrapped, ok := conn.(interface{ NetConn() net.Conn }) // such as a *tls.Conn
		if !ok {
			return closed(conn)
		}
		conn = wrapped.NetConn()
	}
}
