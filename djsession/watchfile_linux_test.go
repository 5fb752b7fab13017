package djsession_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

func init() {
	contestedKinds = append(contestedKinds, contestedKind{"files", contestFile})
}

// contestFile creates a contested session in a folder.
func contestFile(t *testing.T) *contested {
	t.Helper()
	dir := t.TempDir()
	store, err := filestore.New(filestore.Config{Dir: dir, Settings: contestedSettings(t)})
	if err != nil {
		t.Fatal(err)
	}
	c := &contested{store: store}
	c.django = startWriters(t, djangotest.Settings{
		"SESSION_ENGINE": "django.contrib.sessions.backends.file", "SESSION_FILE_PATH": dir,
	})
	watch := watchFolder(t, dir)
	c.history = func(t *testing.T, said reports) []version {
		return arrivals(t, c, said, watch.events(t, "sessionid"+c.key))
	}
	return c
}

// arrivals returns the versions that got the file's name, in order. For each the kernel reports the
// name that the file had before. That name identifies a version of Django's. A version of Go's must
// be the version that was made from the one before it.
//
// A write into a file of Go's that has the name already means that Django's version came in
// between. Package swapfile copies that version into the file before any program can open it.
func arrivals(t *testing.T, c *contested, said reports, events []folderEvent) (versions []version) {
	t.Helper()
	overtaken := map[int]bool{}
	lastOfGo := 0
	for i, e := range events {
		switch _, django := said.temporaries[e.from]; {
		case e.from == "":
			overtaken[lastOfGo] = true
		case !django:
			lastOfGo = i
		}
	}
	var ids []string
	for i, e := range events[1:] { // the first event is the creation
		if e.from != "" && !overtaken[i+1] {
			ids = append(ids, said.temporaries[e.from])
		}
	}
	t.Logf("%d times Go's version was replaced by a version that Django wrote at the same moment", len(overtaken))
	return follow(t, c, said, ids)
}

// folderEvent is an event of a name: a file whose name was from got it. If from is empty, a program
// wrote into the name's file.
type folderEvent struct{ name, from string }

// folderWatch records all events in a folder by inotify.
type folderWatch struct {
	dir string

	mu     sync.Mutex
	all    []folderEvent
	marked chan string // names that begin with "mark"
}

// watchFolder watches a folder until the test ends.
func watchFolder(t *testing.T, dir string) *folderWatch {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	inotify := os.NewFile(uintptr(fd), "inotify")
	t.Cleanup(func() { inotify.Close() })
	if _, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_MOVED_FROM|syscall.IN_MOVED_TO|syscall.IN_MODIFY); err != nil {
		t.Fatal(err)
	}
	w := &folderWatch{dir: dir, marked: make(chan string)}
	go w.read(t, inotify)
	return w
}

func (w *folderWatch) read(t *testing.T, inotify *os.File) {
	defer close(w.marked)
	buf := make([]byte, 1<<20)
	moved := map[uint32]string{} // by the cookie that both events of a rename have
	for {
		n, err := inotify.Read(buf)
		if err != nil {
			return // closed
		}
		for rest := buf[:n]; len(rest) > 0; {
			mask, cookie := binary.NativeEndian.Uint32(rest[4:]), binary.NativeEndian.Uint32(rest[8:])
			end := syscall.SizeofInotifyEvent + binary.NativeEndian.Uint32(rest[12:])
			name := string(bytes.TrimRight(rest[syscall.SizeofInotifyEvent:end], "\x00"))
			rest = rest[end:]
			switch {
			case mask&syscall.IN_Q_OVERFLOW != 0:
				t.Error("inotify lost events")
			case mask&syscall.IN_MOVED_FROM != 0:
				moved[cookie] = name
			case mask&syscall.IN_MOVED_TO != 0:
				w.add(folderEvent{name, moved[cookie]})
				delete(moved, cookie)
			case mask&syscall.IN_MODIFY != 0:
				w.add(folderEvent{name, ""})
			}
		}
	}
}

func (w *folderWatch) add(e folderEvent) {
	w.mu.Lock()
	w.all = append(w.all, e)
	w.mu.Unlock()
	if e.name == "mark" && e.from != "" {
		w.marked <- e.name
	}
}

// events returns the events of a name so far.
func (w *folderWatch) events(t *testing.T, name string) (events []folderEvent) {
	t.Helper()
	from, mark := filepath.Join(w.dir, "from"), filepath.Join(w.dir, "mark")
	if err := os.WriteFile(from, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(from, mark); err != nil {
		t.Fatal(err)
	}
	if _, ok := <-w.marked; !ok {
		t.Fatal("inotify ended")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.all {
		if e.name == name {
			events = append(events, e)
		}
	}
	return events
}
