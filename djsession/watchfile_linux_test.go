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

// contestFile makes a contested session in a folder.
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

// arrivals are the versions that took the file's name. The kernel tells of each, in
// order, which name it had before. By that a version of Django's is known. One of
// Go's must be the one that was made from the version before it.
//
// A file of Go's into which is written when it has the name has given way to
// Django's version that came in between, which is copied into it before anybody
// can open it: see package swapfile.
func arrivals(t *testing.T, c *contested, said reports, events []folderEvent) (versions []version) {
	t.Helper()
	gaveWay := map[int]bool{}
	lastOfGo := 0
	for i, e := range events {
		switch _, django := said.temporaries[e.from]; {
		case e.from == "":
			gaveWay[lastOfGo] = true
		case !django:
			lastOfGo = i
		}
	}
	var ids []string
	for i, e := range events[1:] { // the first one is when it was created
		if e.from != "" && !gaveWay[i+1] {
			ids = append(ids, said.temporaries[e.from])
		}
	}
	t.Logf("%d times a file of Go's gave way to one that Django had put there in the same moment", len(gaveWay))
	return follow(t, c, said, ids)
}

// folderEvent is something that happened to a name: a file that had the name from
// got it or, when that is empty, somebody wrote into its file.
type folderEvent struct{ name, from string }

// folderWatch is all that happens in a folder, by inotify.
type folderWatch struct {
	dir string

	mu     sync.Mutex
	all    []folderEvent
	marked chan string // names that begin with "mark"
}

// watchFolder watches until the test ends.
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
	moved := map[uint32]string{} // by what joins the two ends of a move
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

// events are those of a name until now.
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
