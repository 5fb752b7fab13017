package djangotest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// respConn is a connection to a Redis or a sentinel. The code under test uses go-redis, so its tests must not depend on it.
type respConn struct {
	net.Conn
	replies *bufio.Reader
}

func dialRESP(addr, password string, config *tls.Config) (*respConn, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(patience))
	if config != nil {
		conn = tls.Client(conn, config)
	}
	c := &respConn{conn, bufio.NewReader(conn)}
	if password != "" {
		if _, err := c.do("AUTH", password); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// do sends a command and returns the reply as text: an array as lines, and nil as "".
func (c *respConn) do(args ...string) (string, error) {
	var command strings.Builder
	fmt.Fprintf(&command, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&command, "$%d\r\n%s\r\n", len(arg), arg)
	}
	if _, err := io.WriteString(c, command.String()); err != nil {
		return "", err
	}
	return c.reply()
}

func (c *respConn) reply() (string, error) {
	line, err := c.replies.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("empty line for a reply")
	}
	kind, text := line[0], line[1:]
	switch kind {
	case '+', ':':
		return text, nil
	case '-':
		return "", errors.New(text)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return "", err // -1: nil.
	}
	switch kind {
	case '$':
		bulk := make([]byte, n+len("\r\n"))
		_, err := io.ReadFull(c.replies, bulk)
		return string(bulk[:n]), err
	case '*':
		var elements []string
		for range n {
			element, err := c.reply()
			if err != nil {
				return "", err
			}
			elements = append(elements, element)
		}
		return strings.Join(elements, "\n"), nil
	}
	return "", fmt.Errorf("unknown reply %q", line)
}
