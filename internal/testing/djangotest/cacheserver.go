package djangotest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Server is a cache server of one test. The test may stop, start and pause it. It ends with the test, even if it is paused.
type Server struct {
	Addr string // host:port; of a Memcached at a Unix socket "unix:" and the path

	recipe   recipe
	programs map[string]string
	dir      string
	port     int
	running  *server // nil: stopped
}

// newServer starts a server by its recipe.
func newServer(t testing.TB, r recipe) *Server {
	t.Helper()
	programs, gone := r.installed()
	if gone != "" {
		missing(t, gone)
	}
	running, err := r.start(programs)
	if err != nil {
		t.Fatalf("start %s: %v", r.name, err)
	}
	s := &Server{
		Addr:     hostPort(running.port),
		recipe:   r,
		programs: programs,
		dir:      running.dir,
		port:     running.port,
		running:  running,
	}
	t.Cleanup(s.stop)
	return s
}

func (s *Server) stop() {
	if s.running != nil {
		s.running.stop()
		s.running = nil
	}
}

// Stop kills the server, and its data is lost. Connections break, and new ones are refused.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.running == nil {
		t.Fatalf("stop %s %s: it is stopped", s.recipe.name, s.Addr)
	}
	s.stop()
}

// Start starts a stopped server again, empty, with the same address and options.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if s.running != nil {
		t.Fatalf("start %s %s: it runs", s.recipe.name, s.Addr)
	}
	err := os.Mkdir(s.dir, 0o700)
	if err == nil {
		s.running, err = s.recipe.startIn(s.programs, s.dir, s.port)
	}
	if err != nil {
		t.Fatalf("start %s %s: %v", s.recipe.name, s.Addr, err)
	}
}

// Restart is Stop and Start.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	s.Start(t)
}

// Pause suspends the server. Connections still open, since the kernel accepts them, but no request is answered.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.signal(t, pause)
}

// Resume continues a paused server, which then handles the requests that have arrived.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.signal(t, resume)
}

func (s *Server) signal(t testing.TB, send func(pid int) error) {
	t.Helper()
	if s.running == nil {
		t.Fatalf("signal %s %s: it is stopped", s.recipe.name, s.Addr)
	}
	if err := send(s.running.pid); err != nil {
		t.Fatalf("signal %s %s: %v", s.recipe.name, s.Addr, err)
	}
}

// Caches is the CACHES setting with this entry as the default.
func Caches(entry map[string]any) map[string]any {
	return map[string]any{"default": entry}
}

// MemcachedServers are new, empty Memcached servers. Clients choose one by the hash of a key.
type MemcachedServers []*Server

// Memcached returns n servers with these additional arguments: "-I", "2m" allows values over 1 MB.
func Memcached(t testing.TB, n int, args ...string) MemcachedServers {
	t.Helper()
	var servers MemcachedServers
	for range n {
		servers = append(servers, newServer(t, memcached("tcp", args)))
	}
	return servers
}

// MemcachedSocket returns a server that listens only at a Unix socket.
func MemcachedSocket(t testing.TB, args ...string) MemcachedServers {
	t.Helper()
	s := newServer(t, memcached("unix", args))
	s.Addr = "unix:" + filepath.Join(s.dir, socket)
	return MemcachedServers{s}
}

// Addrs are the servers' addresses, as LOCATION has them.
func (m MemcachedServers) Addrs() []string {
	var addrs []string
	for _, s := range m {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// Flush removes all items.
func (m MemcachedServers) Flush(t testing.TB) {
	t.Helper()
	for _, addr := range m.Addrs() {
		conn, err := net.DialTimeout("tcp", addr, patience)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprint(conn, "flush_all\r\n")
		answer, err := bufio.NewReader(conn).ReadString('\n')
		conn.Close()
		if answer != "OK\r\n" {
			t.Fatalf("flush_all of %s: %q, %v", addr, answer, err)
		}
	}
}

// Django is the entry for CACHES with Django's PyMemcacheCache, PyLibMCCache or, up to 4.0, MemcachedCache. A test may add
// to it.
func (m MemcachedServers) Django(backend string) map[string]any {
	return map[string]any{
		"BACKEND":  "django.core.cache.backends.memcached." + backend,
		"LOCATION": m.Addrs(),
		"OPTIONS":  map[string]any{},
	}
}

func memcached(network string, args []string) recipe {
	return recipe{
		name:     "memcached",
		accounts: []string{"memcache", "memcached", "nobody"},
		signal:   "KILL",
		programs: func() map[string]string {
			return map[string]string{"memcached": find("memcached", "/usr/sbin", "/usr/local/sbin")}
		},
		run: func(programs map[string]string, dir string, port int) []string {
			// -U 0: no UDP. -a: every user who can enter the folder can use the socket.
			own := []string{programs["memcached"], "-U", "0", "-l", localhost, "-p", strconv.Itoa(port), "-t", "2"}
			if network == "unix" {
				own = []string{programs["memcached"], "-s", filepath.Join(dir, socket), "-a", "0777", "-t", "2"}
			}
			return slices.Concat(own, args)
		},
		answers: func(s *server) error { return s.memcachedAnswers(network) },
	}
}

// memcachedAnswers checks the process ID of the server that answers: if the port was taken, it is another server.
func (s *server) memcachedAnswers(network string) error {
	addr := hostPort(s.port)
	if network == "unix" {
		addr = filepath.Join(s.dir, socket)
	}
	conn, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprint(conn, "stats\r\n"); err != nil {
		return err
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if pid, ok := strings.CutPrefix(lines.Text(), "STAT pid "); ok && pid == strconv.Itoa(s.pid) {
			return nil
		} else if ok {
			return fmt.Errorf("%s answers, but it is process %s", addr, pid)
		}
	}
	return fmt.Errorf("%s does not say its process id", addr)
}
