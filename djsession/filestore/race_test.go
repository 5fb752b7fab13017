package filestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

func TestMain(m *testing.M) {
	if os.Getenv("FILESTORE_WRITER") != "" {
		write()
		return
	}
	os.Exit(djangotest.Main(m))
}

// write is a process that adds to a value of a session, from several goroutines:
// so often, or until the session is deleted or nobody waits for it any more. It
// prints how often it did.
func write() {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		fail(err)
	}
	store, err := filestore.New(filestore.Config{Dir: os.Getenv("FILESTORE_DIR"), Settings: settings})
	if err != nil {
		fail(err)
	}
	times, err := strconv.Atoi(os.Getenv("FILESTORE_TIMES"))
	if err != nil {
		fail(err)
	}
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	name := os.Getenv("FILESTORE_WRITER")
	var mu sync.Mutex
	done := 0
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			for n := 0; times == 0 || n < times; n++ {
				select {
				case <-ended:
					return
				default:
				}
				add := edit.Add(name, 1)
				_, err := djsession.Update(context.Background(), store, os.Getenv("FILESTORE_KEY"), add)
				if errors.Is(err, djsession.ErrNotFound) {
					return
				}
				if err != nil {
					fail(err)
				}
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	fmt.Println(done)
}

// writer is such a process; stop returns what it printed.
func startWriter(t *testing.T, store *filestore.Store, key, name string, times int) (stop func() int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FILESTORE_WRITER="+name, "FILESTORE_DIR="+store.Dir(), "FILESTORE_KEY="+key,
		fmt.Sprint("FILESTORE_TIMES=", times), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() int {
		t.Helper()
		if times == 0 {
			stdin.Close()
		}
		line, err := bufio.NewReader(stdout).ReadString('\n')
		if err := errors.Join(err, cmd.Wait()); err != nil {
			t.Fatalf("writer %s: %v", name, err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// Go processes do not overwrite each other's changes.
func TestProcessesLoseNothing(t *testing.T) {
	const processes, times = 3, 100
	store := newStore(t)
	key := create(t, store, "", `{"kept":NaN}`).Key
	var stops []func() int
	for range processes {
		stops = append(stops, startWriter(t, store, key, "n", times))
	}
	want := 0
	for _, stop := range stops {
		want += stop()
	}
	r, err := store.Load(t.Context(), key)
	if err != nil || want != processes*2*times || fixture.JSON(t, r.Values) != fmt.Sprintf(`{"kept":NaN,"n":%d}`, want) {
		t.Errorf("%d times; %v, %v", want, r, err)
	}
}

// A Django process that alone writes one value never reads an older state of it: Go has neither
// overwritten its write, nor has Django read a version that Go undid.
func TestNothingOfDjangosIsLost(t *testing.T) {
	const processes = 2
	rounds := 300
	if testing.Short() {
		rounds = 100
	}
	s := newSite(t, djangotest.Newest, true, "UTC")
	key := create(t, s.store, "", `{"django":0}`).Key
	var stops []func() int
	for i := range processes {
		stops = append(stops, startWriter(t, s.store, key, fmt.Sprint("go", i), 0))
	}
	var got struct {
		Wrong []string
		Go    int // how often Django read something new of Go's
	}
	s.Do(t, `
		import random, time
		key, wrong, seen, news = args["key"], [], None, 0
		def check(n):
			global seen, news
			s = SessionStore(key)
			if s.get("django") != n or s.session_key != key:
				wrong.append("after %d there is %r" % (n, dict(s.items())))
			gos = [s.get("go0"), s.get("go1")]
			news, seen = news + (gos != seen), gos
			return s
		for n in range(args["rounds"]):
			s = check(n)
			s["django"] = n + 1
			s.save()
			for i in range(random.randrange(8)):
				time.sleep(random.random() * 0.0005)
				check(n + 1)
		result = {"Wrong": wrong[:5], "Go": news}
	`, map[string]any{"key": key, "rounds": rounds}, &got)
	byGo := 0
	for _, stop := range stops {
		byGo += stop()
	}
	if len(got.Wrong) > 0 {
		t.Errorf("%q", got.Wrong)
	}
	if got.Go == 0 || byGo == 0 {
		t.Errorf("Go wrote %d times, Django read %d of these: this shows nothing", byGo, got.Go)
	}
	r, err := s.store.Load(t.Context(), key)
	if n := 0; err != nil || r.Values.Get("django", &n) != nil || n != rounds {
		t.Errorf("%v, %v", r, err)
	}
	t.Logf("%d updates by Django, %d by Go, of which Django read %d", rounds, byGo, got.Go)
}

// A session that Django deletes while others write it stays deleted.
func TestDeletedInTheMiddle(t *testing.T) {
	const rounds, writers = 60, 3
	s := newSite(t, djangotest.Newest, true, "UTC")
	s.Do(t, `import random, time`, nil, nil)
	for range rounds {
		key := create(t, s.store, "", `{}`).Key
		var wait sync.WaitGroup
		for i := range writers {
			wait.Go(func() {
				store := open(t, filestore.Config{Dir: s.store.Dir(), Settings: s.settings})
				for {
					add := edit.Add(fmt.Sprint(i), 1)
					_, err := djsession.Update(t.Context(), store, key, add)
					if errors.Is(err, djsession.ErrNotFound) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		s.Do(t, `
			time.sleep(random.random() * 0.003)
			SessionStore(args).delete()
		`, key, nil)
		wait.Wait()
		if _, err := os.Lstat(path(s.store, key)); err == nil {
			t.Fatal("it is back")
		}
	}
	if entries, err := os.ReadDir(s.store.Dir()); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// DeleteUnchanged in one process deletes no version that other processes have changed.
func TestDeleteUnchangedInTheMiddle(t *testing.T) {
	const rounds = 40
	store := newStore(t)
	for range rounds {
		r := create(t, store, "", `{"n":0}`)
		key := r.Key
		counted := make(chan int)
		const writers = 3
		for range writers {
			go func() {
				n := 0
				for {
					add := edit.Add("n", 1)
					_, err := djsession.Update(t.Context(), store, key, add)
					if err != nil {
						if !errors.Is(err, djsession.ErrNotFound) {
							t.Error(err)
						}
						counted <- n
						return
					}
					n++
				}
			}()
		}
		time.Sleep(time.Millisecond)
		var conflict *djsession.ConflictError
		for {
			err := store.DeleteUnchanged(t.Context(), r)
			if err == nil {
				break
			}
			if !errors.As(err, &conflict) {
				t.Fatal(err)
			}
			r = conflict.Current
		}
		want := 0
		for range writers {
			want += <-counted
		}
		var n int
		if err := r.Values.Get("n", &n); err != nil || n != want {
			t.Fatalf("%d updates, and %d in what was deleted", want, n)
		}
	}
}
