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
	"strings"
	"sync"
	"testing"
)

// A forkServer is a Python that has imported one version of Django. It forks for every Start: an import takes longer than
// all else that a test's Django does. It has no settings; a fork shares nothing with another but the imported code.
type forkServer struct {
	socket   string
	lifeline io.Closer     // closed: the server ends; also when the test binary does
	ended    chan struct{} // closed when it is gone

	mu       sync.Mutex
	statuses map[int]chan string // of its forks that have ended or are waited for, by their process ids
}

// forkServers are those of this test binary, which last as long as it does.
var forkServers struct {
	sync.Mutex
	of map[string]*forkServer
}

// forkServerOf returns the server of a version, and starts it on first use.
func forkServerOf(t testing.TB, version string) *forkServer {
	t.Helper()
	python := Python(t, version)
	forkServers.Lock()
	defer forkServers.Unlock()
	if s := forkServers.of[version]; s != nil {
		return s
	}
	s, err := startForkServer(python, Testdata(t, "peer.py"))
	if err != nil {
		t.Fatalf("django %s: %v", version, err)
	}
	if forkServers.of == nil {
		forkServers.of = map[string]*forkServer{}
	}
	forkServers.of[version] = s
	return s
}

func startForkServer(python, program string) (*forkServer, error) {
	// Not in a test's folder: a socket's path must be short.
	dir, err := os.MkdirTemp("", "djsess-django-")
	if err != nil {
		return nil, err
	}
	s := &forkServer{
		socket:   filepath.Join(dir, "s"),
		ended:    make(chan struct{}),
		statuses: map[int]chan string{},
	}
	// -I: nothing of the caller's Python environment counts.
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
		s.read(lines)
		cmd.Wait()
		close(s.ended)
	}()
	return s, nil
}

// read takes note of the forks that end.
func (s *forkServer) read(lines *bufio.Reader) {
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		var pid int
		before, status, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := fmt.Sscan(before, &pid); err == nil {
			s.status(pid) <- status
		}
	}
}

// status is where the status of a fork arrives, which may end before anyone waits for it.
func (s *forkServer) status(pid int) chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.statuses[pid] == nil {
		s.statuses[pid] = make(chan string, 1)
	}
	return s.statuses[pid]
}

// wait returns when the fork has ended, and says how.
func (s *forkServer) wait(pid int) string {
	select {
	case status := <-s.status(pid):
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.statuses, pid)
		return status
	case <-s.ended:
		return "with the process that it was forked from"
	}
}

func (s *forkServer) dial() (*net.UnixConn, error) {
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: s.socket, Net: "unix"})
}

// stop ends the server, and waits until its folder is gone.
func (s *forkServer) stop() {
	s.lifeline.Close()
	<-s.ended
}
