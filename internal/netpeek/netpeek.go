// Package netpeek looks at a connection without using it.
package netpeek

import "net"

// Closed reports whether an idle connection can no longer be used for a request. Then the
// other side has closed it, or has sent something that was not asked for, such as the reason
// why it is about to close it. Closed sends nothing, does not wait, and consumes nothing that
// there is to read. If the operating system or the kind of connection does not let it look,
// it reports false.
func Closed(conn net.Conn) bool {
	for {
		wrapped, ok := conn.(interface{ NetConn() net.Conn }) // such as a *tls.Conn
		if !ok {
			return closed(conn)
		}
		conn = wrapped.NetConn()
	}
}
