package djangotest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// SecretKey is the default SECRET_KEY of a Django.
const SecretKey = "djangotest-secret-key-that-is-not-a-secret-at-all"

// Settings are Django settings by name, with values for encoding/json. Start adds a SECRET_KEY, and DATABASES with a new
// SQLite database. All others have Django's defaults.
type Settings map[string]any

// Django is a running Django. Requests from several goroutines take turns.
type Django struct {
	Version string

	mu      sync.Mutex
	conn    *net.UnixConn
	replies chan reply
	stderr  string        // the file with the output of the process
	ended   chan struct{} // closed when the process is gone
	status  string        // how the process ended; read after ended
}

// reply is a line that a Django sends: the answer to a request. The last line says how the process has ended.
type reply struct {
	Result json.RawMessage
	Error  string
	Ended  string
}

// Start runs a Django of this version until the test ends. If the settings are wrong, the first request fails.
func Start(t testing.TB, version string, settings Settings) *Django {
	t.Helper()
	values := Settings{"SECRET_KEY": SecretKey}
	maps.Copy(values, settings)
	if values["DATABASES"] == nil {
		values["DATABASES"] = SQLite(t).Settings()
	}
	d := &Django{
		Version: version,
		stderr:  filepath.Join(t.TempDir(), "stderr"),
		replies: make(chan reply, 1), // to one request
		ended:   make(chan struct{}),
	}
	if err := d.start(t, values); err != nil {
		t.Fatalf("django %s: %v", version, err)
	}
	return d
}

func (d *Django) start(t testing.TB, settings Settings) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	environ := map[string]string{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		environ[name] = value
	}
	if testing.Short() {
		environ["DJSESS_NO_MIGRATIONS"] = "1" // migrate() makes the same tables from the models, in half the time
	}
	text, err := json.Marshal(map[string]any{"settings": settings, "environ": environ, "dir": dir, "stderr": d.stderr})
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if err := os.WriteFile(d.stderr, nil, 0o600); err != nil {
		return err
	}
	if d.conn, err = dialForkServer(t, d.Version); err != nil {
		return err
	}
	t.Cleanup(func() { d.conn.Close() })
	lines := bufio.NewReader(d.conn)
	if _, err := d.conn.Write(append(text, '\n')); err != nil {
		return err
	}
	var pid int
	if _, err := fmt.Fscanln(lines, &pid); err != nil {
		return fmt.Errorf("no process id: %w", err)
	}
	go d.read(lines)
	t.Cleanup(func() { d.stop(pid) })
	return nil
}

// read passes the replies on until the process has ended.
func (d *Django) read(lines *bufio.Reader) {
	defer close(d.ended)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			d.status = "with the process that it was forked from"
			return
		}
		var r reply
		if err := json.Unmarshal(line, &r); err != nil {
			r.Error = fmt.Sprintf("reply %.200q: %v", line, err)
		}
		if r.Ended != "" {
			d.status = r.Ended
			return
		}
		d.replies <- r
	}
}

// stop closes the input of the process, which ends it, and kills it if it does not end.
func (d *Django) stop(pid int) {
	d.conn.CloseWrite()
	select {
	case <-d.ended:
	case <-time.After(5 * time.Second):
		if process, err := os.FindProcess(pid); err == nil {
			process.Kill()
		}
		<-d.ended
	}
}

// Do runs Python code in this Django. The code finds args in `args`, and its variable `result` is decoded into result,
// which may be nil. Names that the code defines are kept for the next request. testdata/peer.py lists those that exist from
// the start. JSON has no tuples, bytes and so on: if the type matters, return repr(x). An exception fails the test.
func (d *Django) Do(t testing.TB, code string, args, result any) {
	t.Helper()
	if err := d.Try(code, args, result); err != nil {
		t.Fatalf("django %s: %v", d.Version, err)
	}
}

// PythonError is an exception in the code of a request.
type PythonError struct{ Traceback string }

func (e *PythonError) Error() string { return e.Traceback }

// Try is Do for code that may fail. For an exception it returns a *PythonError, whose text begins with the exception's type.
func (d *Django) Try(code string, args, result any) error {
	request, err := json.Marshal(map[string]any{"code": code, "args": args})
	if err != nil {
		return fmt.Errorf("args: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.conn.Write(append(request, '\n')); err != nil {
		return d.gone(err)
	}
	var r reply
	select {
	case r = <-d.replies:
	case <-d.ended:
		select {
		case r = <-d.replies: // the last one
		default:
			return d.gone(nil)
		}
	}
	if r.Error != "" {
		return &PythonError{r.Error}
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(r.Result, result)
}

// gone explains why a request could not be sent or answered, usually by the last output of the process.
func (d *Django) gone(err error) error {
	select {
	case <-d.ended:
	case <-time.After(5 * time.Second):
		return fmt.Errorf("no reply: %w", err)
	}
	said, _ := os.ReadFile(d.stderr)
	return fmt.Errorf("ended (%s), having said:\n%s", d.status, strings.TrimSpace(tail(said)))
}

// tail returns the end of a log, which usually has the error.
func tail(log []byte) string {
	const size = 4000
	return string(log[max(0, len(log)-size):])
}
