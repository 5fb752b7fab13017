// Package netpeek checks whether a peer has closed a connection, without using the connection.
package netpeek

import "net"

// Closed reports whether an idle connection can no longer be used for a request: the other side
// has closed it, or has sent unrequested data, such as the reason why it is about to close it.
// Closed sends nothing, does not wait, and leaves the data to read in place. If the operating
// system or the type of the connection does not allow the check, Closed returns false.
func Closed(conn net.Conn) bool {
	for {
		wrapped, ok := conn.(interface{ NetConn() net.Conn }) // such as a *tls.Conn
		if !ok {
			return closed(conn)
		}
		conn = wrapped.NetConn()
	}
}
