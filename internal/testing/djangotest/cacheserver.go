package djangotest

import (
	"os"
	"testing"
)

// Server is a cache server that one test has to itself, and to which that test may do what happens to servers. It ends with
// the test, paused or not.
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

// Stop kills the server and all that it holds: connections break, new ones are refused.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.running == nil {
		t.Fatalf("stop %s %s: it is stopped", s.recipe.name, s.Addr)
	}
	s.stop()
}

// Start starts a server that was stopped, at its old address and with its old options. It holds nothing.
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

// Pause holds the server still: it accepts connections, as the kernel does that for it, and answers nothing.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.signal(t, pause)
}

// Resume lets a paused server go on, with all that it was sent meanwhile.
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
