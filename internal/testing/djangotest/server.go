package djangotest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	localhost = "127.0.0.1" // servers listen at no other address
	dbUser    = "djsess"
	password  = "djsess" // MariaDB's; PostgreSQL asks for none
)

// A server is a running database or cache server of this test binary, in a folder of its own.
type server struct {
	recipe
	dir   string
	port  int
	pid   int
	query []string // the client program with its arguments, ready for one statement

	lifeline io.Closer     // when it is closed, the server ends and its folder is removed
	ended    chan struct{} // closed when the folder is removed
	said     []byte        // the end of the server's log; read after ended
	names    atomic.Int64
}

// A recipe describes how to start a kind of server. The paths of programs that are not installed are "".
type recipe struct {
	name     string
	accounts []string // system users to run it as, since the servers refuse to run as root
	signal   string   // the signal that ends it at once: its data is not needed
	programs func() map[string]string
	ports    func() (int, error)                                    // nil: any free one
	prepare  func(programs map[string]string, dir string) *exec.Cmd // nil: nothing is to be done
	run      func(programs map[string]string, dir string, port int) []string
	client   func(programs map[string]string, port int) []string // of an SQL server
	answers  func(*server) error                                 // nil: ask the client
}

// once makes the server of a kind on first use.
type once struct {
	recipe
	sync.Once
	server *server
	gone   string // what is not installed
	err    error
}

func (o *once) get(t testing.TB) *server {
	t.Helper()
	o.Do(func() {
		programs, gone := o.installed()
		if o.gone = gone; gone == "" {
			o.server, o.err = o.start(programs)
		}
	})
	switch {
	case o.gone != "":
		missing(t, o.gone)
	case o.err != nil:
		t.Fatalf("start %s: %v", o.name, o.err)
	}
	return o.server
}

// installed returns the paths of the programs, or what is missing.
func (r recipe) installed() (programs map[string]string, gone string) {
	programs = r.programs()
	for name, path := range programs {
		if path == "" {
			return nil, r.name + " (" + name + ")"
		}
	}
	return programs, ""
}

// start tries several ports: another program may take a free one before the server listens on it.
func (r recipe) start(programs map[string]string) (*server, error) {
	ports := r.ports
	if ports == nil {
		ports = freePort
	}
	const tries = 3
	for try := 1; ; try++ {
		port, err := ports()
		if err != nil {
			return nil, err
		}
		dir, err := os.MkdirTemp("", "djsess-"+r.name+"-")
		if err != nil {
			return nil, err
		}
		s, err := r.startIn(programs, dir, port)
		if try == tries || !errors.Is(err, errEnded) {
			return s, err
		}
	}
}

// startIn starts the server in an empty folder, which is removed when the server ends.
func (r recipe) startIn(programs map[string]string, dir string, port int) (*server, error) {
	account, err := unprivileged(r.accounts, dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	if r.prepare != nil {
		prepare := r.prepare(programs, dir)
		prepare.Dir, prepare.SysProcAttr = dir, account
		if out, err := prepare.CombinedOutput(); err != nil {
			os.RemoveAll(dir)
			return nil, fmt.Errorf("%s: %w\n%s", prepare.Path, err, tail(out))
		}
	}

	s := &server{recipe: r, dir: dir, port: port, ended: make(chan struct{})}
	if r.client != nil {
		s.query = r.client(programs, port)
	}
	keeper := exec.Command("/bin/sh", append([]string{"-c", keep, "keep", dir, r.signal}, r.run(programs, dir, port)...)...)
	keeper.Dir, keeper.SysProcAttr = dir, account
	if s.lifeline, err = keeper.StdinPipe(); err != nil {
		return nil, err
	}
	pipe, err := keeper.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := keeper.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	said := bufio.NewReader(pipe)
	_, err = fmt.Fscanln(said, &s.pid)
	go func() {
		s.said, _ = io.ReadAll(said)
		keeper.Wait()
		close(s.ended)
	}()
	if err == nil {
		err = s.awake()
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// keep runs a server until the test binary ends, and then cleans up. The binary holds the other end of keep's stdin, which
// the kernel closes even if the binary is killed or crashes. keep prints the server's process ID, and at its end the end of
// the server's log. If the binary is killed while the server is paused, the kernel sends a HUP to both.
const keep = `
dir=$1 signal=$2; shift 2
trap '' HUP PIPE
exec 3<&0
"$@" </dev/null >"$dir/log" 2>&1 3<&- &
server=$!
echo $server
{ read -r _; kill -s "$signal" $server; } <&3 >/dev/null 2>&1 &
wait $server
kill $! 2>/dev/null
tail -c 4000 "$dir/log"
cd / && rm -rf "$dir"
`

var errEnded = errors.New("ended at once")

// patience limits how long a step may take on a busy machine.
const patience = 60 * time.Second

// awake waits until the server answers.
func (s *server) awake() error {
	deadline := time.Now().Add(patience)
	for {
		err := s.answer()
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("%w, having said:\n%s", errEnded, s.said)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("no answer after %v: %w\n%s", patience, err, tail(log))
		}
	}
}

func (s *server) answer() error {
	if s.answers != nil {
		return s.answers(s)
	}
	if out, err := s.try("SELECT 1"); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (s *server) try(statement string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	args := append(s.query[1:len(s.query):len(s.query)], statement)
	out, err := exec.CommandContext(ctx, s.query[0], args...).CombinedOutput()
	return string(bytes.TrimSpace(out)), err
}

// sql runs a statement by the server's own client, so that this package needs no driver.
func (s *server) sql(t testing.TB, statement string) {
	t.Helper()
	if out, err := s.try(statement); err != nil {
		t.Fatalf("%s: %v\n%s", statement, err, out)
	}
}

func (s *server) newName() string {
	return fmt.Sprintf("test_%d", s.names.Add(1))
}

func (s *server) stop() {
	s.lifeline.Close()
	<-s.ended
}

// Main runs the tests, and then waits until the servers have ended and their folders are removed. Without Main, they end a
// moment after the test binary.
func Main(m *testing.M) int {
	code := m.Run()
	for _, o := range []*once{postgres, mariadb} {
		if o.server != nil {
			o.server.stop()
		}
	}
	for _, s := range forkServers.of {
		s.stop()
	}
	return code
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", hostPort(0))
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func hostPort(port int) string { return net.JoinHostPort(localhost, strconv.Itoa(port)) }
