package djangotest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Versions are the Djangos that Start can run.
var Versions = []string{"2.2", "3.2", "4.2", "5.2"}

// SecretKey is the SECRET_KEY of a Django that was not given another.
const SecretKey = "djangotest-secret-key-that-is-not-a-secret-at-all"

// Settings are Django settings by their own names; the values must be what encoding/json can write. Start fills in
// SECRET_KEY, and DATABASES with a new SQLite database; the rest is Django's default.
type Settings map[string]any

// Django is a running Django. Requests from several goroutines take turns.
type Django struct {
	Version string

	mu      sync.Mutex
	stdin   io.WriteCloser
	replies *bufio.Reader
	stderr  *os.File
	ended   chan struct{} // closed when the process is gone
	err     error         // how it went; read after ended
}

// Start runs a Django of this version until the test ends. Wrong settings show at the first request.
func Start(t testing.TB, version string, settings Settings) *Django {
	t.Helper()
	python := Python(t, version)
	values := Settings{"SECRET_KEY": SecretKey}
	maps.Copy(values, settings)
	if values["DATABASES"] == nil {
		values["DATABASES"] = SQLite(t).Settings()
	}
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatalf("settings: %v", err)
	}

	// -I: nothing of the caller's Python environment counts.
	cmd := exec.Command(python, "-I", Testdata(t, "peer.py"))
	cmd.Env = append(os.Environ(), "DJSESS_SETTINGS="+string(text))
	if testing.Short() {
		cmd.Env = append(cmd.Env, "DJSESS_NO_MIGRATIONS=1") // migrate() makes the same tables from the models, in half the time
	}
	d, err := start(t, version, cmd)
	if err != nil {
		t.Fatalf("django %s: %v", version, err)
	}
	t.Cleanup(func() { d.stop(cmd.Process) })
	return d
}

func start(t testing.TB, version string, cmd *exec.Cmd) (*Django, error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	replies, stdout, err := os.Pipe() // Not StdoutPipe: that would close under a reply still to be read.
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	cmd.Stdout = stdout
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		return nil, err
	}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	d := &Django{
		Version: version,
		stdin:   stdin,
		replies: bufio.NewReader(replies),
		stderr:  stderr,
		ended:   make(chan struct{}),
	}
	t.Cleanup(func() { replies.Close() })
	go func() {
		d.err = cmd.Wait()
		close(d.ended)
	}()
	return d, nil
}

// stop lets it end by itself, as its input does; one that is busy or stuck is killed.
func (d *Django) stop(process *os.Process) {
	d.stdin.Close()
	select {
	case <-d.ended:
	case <-time.After(5 * time.Second):
		process.Kill()
		<-d.ended
	}
	d.stderr.Close()
}

// Do runs Python code in this Django, with args bound to `args`, and decodes what the code assigned to `result` into
// result (nil: it does not matter). Names that the code defines stay for the next request; testdata/peer.py says which are
// there from the start. JSON cannot carry every Python value: send repr(x) where it matters. An exception fails the test.
func (d *Django) Do(t testing.TB, code string, args, result any) {
	t.Helper()
	if err := d.Try(code, args, result); err != nil {
		t.Fatalf("django %s: %v", d.Version, err)
	}
}

// PythonError is an exception in the code of a request.
type PythonError struct{ Traceback string }

func (e *PythonError) Error() string { return e.Traceback }

// Try is Do for code that may fail: it returns a *PythonError for an exception, whose text starts with its type.
func (d *Django) Try(code string, args, result any) error {
	request, err := json.Marshal(map[string]any{"code": code, "args": args})
	if err != nil {
		return fmt.Errorf("args: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.stdin.Write(append(request, '\n')); err != nil {
		return d.gone(err)
	}
	line, err := d.replies.ReadBytes('\n')
	if err != nil {
		return d.gone(err)
	}
	var reply struct {
		Result json.RawMessage
		Error  string
	}
	if err := json.Unmarshal(line, &reply); err != nil {
		return fmt.Errorf("reply %.200q: %w", line, err)
	}
	if reply.Error != "" {
		return &PythonError{reply.Error}
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(reply.Result, result)
}

// gone explains why a request could not be sent or answered: usually by what the process said last.
func (d *Django) gone(err error) error {
	select {
	case <-d.ended:
	case <-time.After(5 * time.Second):
		return fmt.Errorf("no reply: %w", err)
	}
	said, _ := os.ReadFile(d.stderr.Name())
	return fmt.Errorf("ended (%v), having said:\n%s", d.err, strings.TrimSpace(tail(said)))
}

// tail is the end of a log: the part that says what went wrong.
func tail(log []byte) string {
	const size = 4000
	return string(log[max(0, len(log)-size):])
}
