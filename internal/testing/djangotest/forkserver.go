package djangotest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// A forkServer is a Python that has imported one version of Django. Start forks it, since the import takes most of the time
// of a start. It has no settings, and its forks share only the imported code.
type forkServer struct {
	socket   string
	lifeline io.Closer     // the server ends when it is closed, which the end of the test binary also does
	ended    chan struct{} // closed when it is gone
}

// forkServers are the fork servers of this test binary. They end with it.
var forkServers struct {
	sync.Mutex
	of map[string]*forkServer
}

// dialForkServer connects to the server of a version, and starts it on first use. A command that runs the tests of several packages
// may have started one for all of them: see scripts/with-django.
func dialForkServer(t testing.TB, version string) (*net.UnixConn, error) {
	t.Helper()
	python := Python(t, version)
	if folder := os.Getenv("DJSESS_DJANGO_SOCKETS"); folder != "" {
		if conn, err := dialUnix(filepath.Join(folder, version)); err == nil {
			return conn, nil
		}
	}
	forkServers.Lock()
	defer forkServers.Unlock()
	s := forkServers.of[version]
	if s == nil {
		var err error
		if s, err = startForkServer(python, Testdata(t, "peer.py")); err != nil {
			return nil, err
		}
		if forkServers.of == nil {
			forkServers.of = map[string]*forkServer{}
		}
		forkServers.of[version] = s
	}
	return dialUnix(s.socket)
}

func dialUnix(path string) (*net.UnixConn, error) {
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
}

func startForkServer(python, program string) (*forkServer, error) {
	// Not in a test's folder: a socket's path must be short.
	dir, err := os.MkdirTemp("", "djsess-django-")
	if err != nil {
		return nil, err
	}
	s := &forkServer{socket: filepath.Join(dir, "s"), ended: make(chan struct{})}
	// -I ignores the caller's Python environment.
	cmd := exec.Command(python, "-I", program, s.socket)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.lifeline = stdin
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	lines := bufio.NewReader(stdout)
	if line, err := lines.ReadString('\n'); err != nil {
		err := cmd.Wait()
		os.RemoveAll(dir)
		return nil, fmt.Errorf("%v, having said:\n%s%s", err, line, tail(stderr.Bytes()))
	}
	go func() {
		io.Copy(io.Discard, lines)
		cmd.Wait()
		close(s.ended)
	}()
	return s, nil
}

// stop ends the server, and waits until its folder is gone.
func (s *forkServer) stop() {
	s.lifeline.Close()
	<-s.ended
}
