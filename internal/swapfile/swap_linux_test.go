package swapfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/nobody"
)

func TestMain(m *testing.M) {
	if role, ok := helpers[os.Getenv("SWAPFILE_HELPER")]; ok {
		role(Folder{Path: os.Getenv("SWAPFILE_DIR"), MaxSize: 1000})
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// helpers are the roles that this test binary plays as a process of its own.
var helpers = map[string]func(Folder){
	"die":   dieAt,
	"count": count,
}

func helper(t *testing.T, role string, d Folder, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "SWAPFILE_HELPER="+role, "SWAPFILE_DIR="+d.Path, "GORACE=atexit_sleep_ms=0"), env...)
	return cmd
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// onEachSystem runs f with the exchange and the leases of Linux, and without each of them.
func onEachSystem(t *testing.T, f func(t *testing.T)) {
	t.Run("exchange", f)
	for _, errno := range []unix.Errno{unix.EINVAL, unix.ENOSYS, unix.EPERM} {
		t.Run("rename/"+errno.Error(), func(t *testing.T) {
			withRenameat2(t, func(int, string, int, string, uint) error { return errno })
			f(t)
		})
	}
}

func withRenameat2(t *testing.T, f func(int, string, int, string, uint) error) {
	renameat2 = f
	t.Cleanup(func() { renameat2 = unix.Renameat2 })
}

var irregular = map[string]func(t *testing.T, path string){
	"symbolic link": func(t *testing.T, path string) {
		target := filepath.Join(t.TempDir(), "target")
		if err := errors.Join(os.WriteFile(target, []byte("one"), 0o600), os.Symlink(target, path)); err != nil {
			t.Fatal(err)
		}
	},
	"folder": func(t *testing.T, path string) {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	},
	"pipe": func(t *testing.T, path string) {
		if err := unix.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
	},
	"socket": func(t *testing.T, path string) {
		if err := unix.Mknod(path, unix.S_IFSOCK|0o600, 0); err != nil {
			t.Fatal(err)
		}
	},
}

// If another program writes its version just before the exchange, that version is not lost. A
// program that reads during the exchange sees only that version.
func TestWriteBeforeTheExchange(t *testing.T) {
	for _, theirs := range []string{"theirs", "their version is longer", ""} {
		d := newFolder(t)
		old := create(t, d, "one, which all have read")
		const readers = 4
		seen := make(chan string, 2*readers)
		step = func(point string) {
			switch point {
			case "compared":
				renameOver(t, d, theirs)
				if err := os.Chtimes(d.path(name), time.Time{}, time.Unix(1234567890, 0)); err != nil {
					t.Error(err)
				}
			case "exchanged":
				for range readers {
					go func() {
						data, err := os.ReadFile(d.path(name))
						seen <- fmt.Sprint(string(data), err)
					}()
					go func() {
						f, err := d.Read(context.Background(), name)
						seen <- fmt.Sprint(string(f.Data), err)
					}()
				}
				time.Sleep(20 * time.Millisecond)
				if len(seen) > 0 {
					t.Error("a reader did not have to wait")
				}
			}
		}
		_, err := d.Replace(context.Background(), name, old, []byte("ours"), time.Now())
		step = func(string) {}
		checkChanged(t, err, theirs)
		for range 2 * readers {
			if got := <-seen; got != theirs+"<nil>" {
				t.Errorf("a reader saw %q", got)
			}
		}
		current, err := d.Read(context.Background(), name)
		if err != nil || string(current.Data) != theirs || current.ModTime.Unix() != 1234567890 {
			t.Errorf("now %+v, %v", current, err)
		}
		var changed *ChangedError
		if errors.As(err, &changed); changed != nil && !changed.Current.equal(current) {
			t.Error("the error does not hold the current version")
		}
		if _, err := d.Replace(context.Background(), name, current, []byte("merged"), time.Now()); err != nil {
			t.Error(err)
		}
		check(t, d, "merged")
	}
}

// A program that opens the file after the exchange waits for the comparison, and then sees our
// version.
func TestUndecidedVersionIsWaitedFor(t *testing.T) {
	d := newFolder(t)
	old := create(t, d, "one")
	seen := make(chan string)
	between(t, "exchanged", func() {
		go func() {
			data, _ := os.ReadFile(d.path(name))
			seen <- string(data)
		}()
		select {
		case got := <-seen:
			t.Errorf("%q without waiting", got)
		case <-time.After(20 * time.Millisecond):
		}
	})
	if _, err := d.Replace(context.Background(), name, old, []byte("ours"), time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "ours" {
		t.Errorf("%q", got)
	}
}

// A third version that is written after the other program's version, and before that version is
// copied back, is the newest.
func TestThirdVersion(t *testing.T) {
	d := newFolder(t)
	old := create(t, d, "one")
	step = func(point string) {
		if point != "written" {
			renameOver(t, d, map[string]string{"compared": "second", "exchanged": "third"}[point])
		}
	}
	defer func() { step = func(string) {} }()
	_, err := d.Replace(context.Background(), name, old, []byte("ours"), time.Now())
	checkChanged(t, err, "second")
	check(t, d, "third")
}

func TestDeletedStaysDeleted(t *testing.T) {
	for _, point := range []string{"written", "compared", "exchanged"} {
		d := newFolder(t)
		old := create(t, d, "one")
		between(t, point, func() {
			if err := os.Remove(d.path(name)); err != nil {
				t.Error(err)
			}
		})
		_, err := d.Replace(context.Background(), name, old, []byte("ours"), time.Now())
		if point == "exchanged" && err != nil || point != "exchanged" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("deleted when %s: %v", point, err)
		}
		check(t, d, "")
	}
	// The same holds if another program's version was there first.
	d := newFolder(t)
	old := create(t, d, "one")
	step = func(point string) {
		switch point {
		case "compared":
			renameOver(t, d, "theirs")
		case "exchanged":
			os.Remove(d.path(name))
		}
	}
	defer func() { step = func(string) {} }()
	_, err := d.Replace(context.Background(), name, old, []byte("ours"), time.Now())
	checkChanged(t, err, "theirs")
	check(t, d, "")
}

// If an operation fails after the exchange, it is not known which version the file holds.
func TestUnknownAfterTheExchange(t *testing.T) {
	d := newFolder(t)
	old := create(t, d, "one")
	between(t, "exchanged", func() {
		entries, err := os.ReadDir(filepath.Dir(d.path(name)))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if entry.Name() != name { // another program removes the temporary file
				os.Remove(filepath.Join(filepath.Dir(d.path(name)), entry.Name()))
			}
		}
	})
	if _, err := d.Replace(t.Context(), name, old, []byte("ours"), time.Now()); !errors.Is(err, ErrUnknown) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want an ErrUnknown", err)
	}
	check(t, d, "ours")
}

// If the other program's version cannot be copied, the files are exchanged back.
func TestOtherVersionIsNotRegular(t *testing.T) {
	kinds := map[string]func(t *testing.T, path string){
		"too large": func(t *testing.T, path string) {
			if err := os.WriteFile(path, make([]byte, 1001), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
	for kind, makeIt := range irregular {
		kinds[kind] = makeIt
	}
	for kind, makeIt := range kinds {
		t.Run(kind, func(t *testing.T) {
			d := newFolder(t)
			old := create(t, d, "one")
			var theirs fs.FileInfo
			between(t, "compared", func() {
				os.Remove(d.path(name))
				makeIt(t, d.path(name))
				theirs, _ = os.Lstat(d.path(name))
			})
			_, err := d.Replace(context.Background(), name, old, []byte("ours"), time.Now())
			if !errors.Is(err, ErrNotRegular) && !errors.As(err, new(*TooLargeError)) {
				t.Error(err)
			}
			if now, err := os.Lstat(d.path(name)); err != nil || !os.SameFile(now, theirs) {
				t.Errorf("now %v, %v", now, err)
			}
			if left, _ := filepath.Glob(d.path("*_out_*")); left != nil {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// Before the files are exchanged back, a third version may have been written.
func TestExchangeBackOverAThirdVersion(t *testing.T) {
	for _, third := range []string{"third", ""} {
		d := newFolder(t)
		old := create(t, d, "one")
		exchanges := 0
		withRenameat2(t, func(from int, a string, to int, b string, flags uint) error {
			switch exchanges++; exchanges {
			case 1:
				renameOver(t, d, strings.Repeat("x", 1001)) // cannot be copied
			case 2:
				if third == "" {
					os.Remove(d.path(name))
				} else {
					renameOver(t, d, third)
				}
			}
			return unix.Renameat2(from, a, to, b, flags)
		})
		if _, err := d.Replace(context.Background(), name, old, []byte("ours"), time.Now()); err == nil {
			t.Error("no error")
		}
		check(t, d, third)
	}
}

// If several writers of this package meet, as writers of two processes can, one of them wins after
// the other.
func TestWritersThatMeet(t *testing.T) {
	for _, stranger := range []string{"", "theirs"} {
		d := newFolder(t)
		create(t, d, "one")
		const writers = 4
		// All writers compare, then another program writes, then all writers exchange. No writer
		// compares again before all have exchanged.
		var compared, exchanged sync.WaitGroup
		compared.Add(writers)
		exchanged.Add(writers)
		var strangers sync.Once
		step = func(point string) {
			switch point {
			case "compared":
				compared.Done()
				compared.Wait()
				strangers.Do(func() {
					if stranger != "" {
						renameOver(t, d, stranger)
					}
				})
			case "exchanged":
				exchanged.Done()
				exchanged.Wait()
			}
		}
		var versions []string
		var wait sync.WaitGroup
		var mu sync.Mutex
		for i := range writers {
			wait.Go(func() {
				current, err := d.open(context.Background(), d.path(name))
				if err != nil {
					t.Error(err)
					return
				}
				defer current.close()
				f, err := d.replaceBy(context.Background(), name, current, fmt.Appendf(nil, "writer %d", i), time.Now(), swap)
				var changed *ChangedError
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					versions = append(versions, string(f.Data))
				case !errors.As(err, &changed):
					t.Error(err)
				}
			})
		}
		wait.Wait()
		step = func(string) {}
		want := stranger
		if stranger == "" {
			if len(versions) != 1 {
				t.Fatalf("replaced by %q", versions)
			}
			want = versions[0]
		} else if len(versions) != 0 {
			t.Errorf("replaced by %q", versions)
		}
		check(t, d, want)
	}
}

// There can be no lease on a temporary file that another program has opened.
func TestTemporaryOpenedByOthers(t *testing.T) {
	for _, opens := range []int{1, 2, 3, 9} {
		d := newFolder(t)
		old := create(t, d, "one")
		written := 0
		step = func(point string) {
			if point != "written" {
				return
			}
			if written++; written <= opens {
				left, _ := filepath.Glob(d.path("*_out_*"))
				f, err := os.Open(left[0])
				if err != nil {
					t.Error(err)
				}
				t.Cleanup(func() { f.Close() })
			}
		}
		if _, err := d.Replace(context.Background(), name, old, []byte("two"), time.Now()); err != nil {
			t.Error(err)
		}
		step = func(string) {}
		check(t, d, "two")
		if want := min(opens+1, 4); written != want {
			t.Errorf("%d versions, want %d", written, want)
		}
	}
}

func TestRemoveUnchangedMeetsStrangers(t *testing.T) {
	d := newFolder(t)
	old := create(t, d, "one")
	between(t, "compared", func() { renameOver(t, d, "theirs") })
	checkChanged(t, d.RemoveUnchanged(context.Background(), name, old), "theirs")
	check(t, d, "theirs")

	d = newFolder(t)
	old = create(t, d, "one")
	step = func(point string) {
		renameOver(t, d, map[string]string{"compared": "second", "taken away": "third"}[point])
	}
	err := d.RemoveUnchanged(context.Background(), name, old)
	step = func(string) {}
	checkChanged(t, err, "third")
	check(t, d, "third")

	d = newFolder(t)
	old = create(t, d, "one")
	between(t, "compared", func() { os.Remove(d.path(name)) })
	if err := d.RemoveUnchanged(context.Background(), name, old); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	check(t, d, "")
}

// A reader of this process finds the file while RemoveUnchanged has renamed it to compare it.
func TestReadDuringRemoveUnchanged(t *testing.T) {
	d := newFolder(t)
	old := create(t, d, "one")
	read := make(chan error)
	step = func(point string) {
		switch point {
		case "compared":
			renameOver(t, d, "theirs")
		case "taken away":
			go func() {
				_, err := d.Read(context.Background(), name)
				read <- err
			}()
			time.Sleep(20 * time.Millisecond)
		}
	}
	defer func() { step = func(string) {} }()
	checkChanged(t, d.RemoveUnchanged(context.Background(), name, old), "theirs")
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// Every user who could use the old file can use the new one.
func TestOwnerAndMode(t *testing.T) {
	for _, c := range []struct {
		mode, want fs.FileMode
		content    string
	}{
		{0o600, 0o600, "one"}, {0o660, 0o660, "one"}, {0o644, 0o644, "one"}, {0o755, 0o644, "one"}, {0o400, 0o600, "one"}, {0o755, 0o600, ""},
	} {
		d := newFolder(t)
		old := create(t, d, c.content)
		const uid, gid = 65534, 65533
		if err := os.Chmod(d.path(name), c.mode); err != nil {
			t.Fatal(err)
		}
		root := os.Geteuid() == 0
		if root {
			if err := os.Chown(d.path(name), uid, gid); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Replace(context.Background(), name, old, []byte("two"), time.Now()); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(d.path(name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != c.want {
			t.Errorf("mode %v became %v", c.mode, info.Mode())
		}
		var stat unix.Stat_t
		if err := unix.Stat(d.path(name), &stat); err != nil || root && (stat.Uid != uid || stat.Gid != gid) {
			t.Errorf("%v: owner %d:%d, %v", c.mode, stat.Uid, stat.Gid, err)
		}
		if !root {
			continue
		}
		other := name + "other"
		if _, err := d.Create(other, nil, time.Now(), info); err != nil {
			t.Fatal(err)
		}
		if err := unix.Stat(d.path(other), &stat); err != nil || stat.Uid != uid || stat.Gid != gid || stat.Mode&0o777 != 0o600 {
			t.Errorf("created like a file of user %d: owner %d:%d, mode %o, %v", uid, stat.Uid, stat.Gid, stat.Mode, err)
		}
	}
}

// A new file must be usable for the owner of the old one. Only root can create files of other
// users, so only root tests this.
func TestFileOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	for mode, taken := range map[fs.FileMode]bool{0o644: false, 0o664: false, 0o666: true} {
		d := newFolder(t)
		const owner, group, nogroup = 65532, 65533, 65534
		old := create(t, d, "one")
		if err := errors.Join(os.Chmod(filepath.Dir(d.Path), 0o755), os.Chown(d.Path, 0, nogroup), os.Chmod(d.Path, 0o775), os.Chmod(d.path(name), mode), os.Chown(d.path(name), owner, group)); err != nil {
			t.Fatal(err)
		}
		var err error
		nobody.Run(func() { _, err = d.Replace(context.Background(), name, old, []byte("two"), time.Now()) })
		var ownerErr *OwnerError
		switch {
		case taken && err != nil, !taken && !errors.As(err, &ownerErr):
			t.Errorf("%v: %v", mode, err)
		case taken:
			check(t, d, "two")
		default:
			check(t, d, "one")
			if ownerErr.UID != owner {
				t.Error(ownerErr)
			}
		}
	}
}

// dieAt is a process that dies in the middle of a Replace.
func dieAt(d Folder) {
	old, err := d.Read(context.Background(), name)
	fail(err)
	step = func(point string) {
		if point == os.Getenv("SWAPFILE_POINT") {
			unix.Kill(os.Getpid(), unix.SIGKILL)
			select {}
		}
	}
	d.Replace(context.Background(), name, old, []byte("ours"), time.Now())
	fail(errors.New("still alive"))
}

// A process that dies leaves its version or the old version, and no program that waits.
func TestDeath(t *testing.T) {
	for point, want := range map[string]string{"written": "one", "compared": "one", "exchanged": "ours"} {
		d := newFolder(t)
		create(t, d, "one")
		if out, err := helper(t, "die", d, "SWAPFILE_POINT="+point).CombinedOutput(); err == nil || len(out) > 0 {
			t.Fatalf("%v: %s", err, out)
		}
		left, _ := filepath.Glob(d.path(name + "_out_????????"))
		if len(left) != 1 {
			t.Errorf("%s: left behind %q", point, left)
		}
		for _, path := range left {
			os.Remove(path)
		}
		check(t, d, want)
		current, err := d.Read(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Replace(context.Background(), name, current, []byte("next"), time.Now()); err != nil {
			t.Error(err)
		}
		check(t, d, "next")
	}
}

// counters are the content of the file in the races: how often each writer wrote.
type counters []int

func (c counters) text() []byte { return []byte(strings.Trim(fmt.Sprint([]int(c)), "[]")) }

func parseCounters(data []byte) (c counters, err error) {
	for _, field := range strings.Fields(string(data)) {
		n, err := strconv.Atoi(field)
		if err != nil {
			return nil, err
		}
		c = append(c, n)
	}
	return c, nil
}

// count is a process whose writers add to the first counter.
func count(d Folder) {
	rounds, err := strconv.Atoi(os.Getenv("SWAPFILE_ROUNDS"))
	fail(err)
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			for range rounds {
				old, err := d.Read(context.Background(), name)
				fail(err)
				for {
					c, err := parseCounters(old.Data)
					fail(err)
					c[0]++
					_, err = d.Replace(context.Background(), name, old, c.text(), time.Now())
					var changed *ChangedError
					if err == nil {
						break
					}
					if !errors.As(err, &changed) {
						fail(err)
					}
					old = changed.Current
				}
			}
		})
	}
	wait.Wait()
}

// Processes that compare lose no writes of each other.
func TestProcessesThatCompare(t *testing.T) {
	processes, rounds := 4, djangotest.Cases(150)
	d := newFolder(t)
	create(t, d, "0")
	var wait sync.WaitGroup
	for range processes {
		wait.Go(func() {
			if out, err := helper(t, "count", d, fmt.Sprint("SWAPFILE_ROUNDS=", rounds)).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wait.Wait()
	check(t, d, fmt.Sprint(processes*3*rounds))
}

// A writer that does not compare finds every version that it wrote, because no other writer
// replaces a version that it has not read.
func TestProcessesBesideOneThatDoesNotCompare(t *testing.T) {
	processes, rounds := 3, djangotest.Cases(200)
	d := newFolder(t)
	create(t, d, "0 0")
	done := make(chan struct{})
	var wait sync.WaitGroup
	for range processes {
		wait.Go(func() {
			if out, err := helper(t, "count", d, fmt.Sprint("SWAPFILE_ROUNDS=", rounds)).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	go func() {
		wait.Wait()
		close(done)
	}()
	read := func() counters {
		data, err := os.ReadFile(d.path(name))
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseCounters(data)
		if err != nil || len(c) != 2 {
			t.Fatalf("half a version: %q", data)
		}
		return c
	}
	mine := 0
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		c := read()
		if c[1] != mine {
			t.Fatalf("version %d is gone, %d is back", mine, c[1])
		}
		mine++
		c[1] = mine
		renameOver(t, d, string(c.text()))
		for range rand.IntN(20) {
			if c := read(); c[1] != mine {
				t.Fatalf("version %d is gone, %d is back", mine, c[1])
			}
		}
	}
	t.Logf("%d versions", mine)
}

func BenchmarkReplace(b *testing.B) {
	d := Folder{Path: b.TempDir(), MaxSize: 1 << 20}
	data := bytes.Repeat([]byte("x"), 500)
	for what, f := range map[string]func(*File) (*File, error){
		"swapfile": func(old *File) (*File, error) { return d.Replace(context.Background(), name, old, data, time.Now()) },
		"Django's way": func(old *File) (*File, error) {
			f, err := os.OpenFile(d.path(name), os.O_WRONLY, 0)
			if err != nil {
				return nil, err
			}
			f.Close()
			if f, err = os.CreateTemp(d.Path, name+"_out_"); err != nil {
				return nil, err
			}
			f.Write(data)
			f.Close()
			return old, os.Rename(f.Name(), d.path(name))
		},
	} {
		b.Run(what, func(b *testing.B) {
			os.Remove(d.path(name))
			old, err := d.Create(name, data, time.Now(), nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if old, err = f(old); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
