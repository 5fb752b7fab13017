package swapfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const name = "sessionidabcdefgh"

func newFolder(t *testing.T) Folder {
	return Folder{Path: t.TempDir(), MaxSize: 1000}
}

// create creates the file with this content.
func create(t *testing.T, d Folder, content string) *File {
	t.Helper()
	f, err := d.Create(name, []byte(content), time.Now().Add(-time.Hour), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// renameOver writes as Django does: it writes a temporary file and renames it over the file.
func renameOver(t *testing.T, d Folder, content string) {
	t.Helper()
	other := filepath.Join(t.TempDir(), "theirs")
	if err := os.WriteFile(other, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, d.path(name)); err != nil {
		t.Fatal(err)
	}
}

// check checks that the folder holds only a file of this content. With "" the folder must be empty.
func check(t *testing.T, d Folder, content string) {
	t.Helper()
	entries, err := os.ReadDir(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != name {
			t.Errorf("%s is left behind", e.Name())
		}
	}
	data, err := os.ReadFile(d.path(name))
	if content == "" {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("there is a file: %q, %v", data, err)
		}
		return
	}
	if err != nil || string(data) != content {
		t.Errorf("file holds %q, %v; want %q", data, err, content)
	}
}

// checkChanged checks that err is a ChangedError that holds this content.
func checkChanged(t *testing.T, err error, content string) {
	t.Helper()
	var changed *ChangedError
	if !errors.As(err, &changed) || string(changed.Current.Data) != content {
		t.Errorf("%v, want a ChangedError that holds %q", err, content)
	}
}

// between runs f when the code reaches a point for the first time.
func between(t *testing.T, point string, f func()) {
	t.Helper()
	reached := false
	step = func(p string) {
		if p == point && !reached {
			reached = true
			f()
		}
	}
	t.Cleanup(func() {
		step = func(string) {}
		if !reached {
			t.Errorf("the code did not reach %q", point)
		}
	})
}

func TestCreateReadReplaceRemove(t *testing.T) {
	onEachSystem(t, func(t *testing.T) {
		d := newFolder(t)
		at := time.Date(2031, 2, 3, 4, 5, 6, 789000, time.UTC)
		created, err := d.Create(name, []byte("one"), at, nil)
		if err != nil || !created.ModTime.Equal(at) {
			t.Fatalf("%+v, %v", created, err)
		}
		check(t, d, "one")
		if _, err := d.Create(name, []byte("two"), at, nil); !errors.Is(err, fs.ErrExist) {
			t.Errorf("create again: %v", err)
		}
		read, err := d.Read(context.Background(), name)
		if err != nil || string(read.Data) != "one" || !read.ModTime.Equal(at) {
			t.Fatalf("%+v, %v", read, err)
		}
		replaced, err := d.Replace(context.Background(), name, read, []byte("longer"), at)
		if err != nil {
			t.Fatal(err)
		}
		check(t, d, "longer")
		_, err = d.Replace(context.Background(), name, read, []byte("x"), at)
		checkChanged(t, err, "longer")
		if replaced, err = d.Replace(context.Background(), name, replaced, []byte("longer"), at.Add(time.Second)); err != nil {
			t.Errorf("the result of Replace cannot be replaced: %v", err)
		}
		if info, err := os.Stat(d.path(name)); err != nil || info.Mode() != 0o600 || !info.ModTime().Equal(at.Add(time.Second)) {
			t.Errorf("%v, %v", info, err)
		}
		checkChanged(t, d.RemoveUnchanged(context.Background(), name, read), "longer")
		check(t, d, "longer")
		if err := d.RemoveUnchanged(context.Background(), name, replaced); err != nil {
			t.Error(err)
		}
		check(t, d, "")
		_, readErr := d.Read(context.Background(), name)
		_, replaceErr := d.Replace(context.Background(), name, replaced, nil, at)
		for what, err := range map[string]error{
			"read": readErr, "replace": replaceErr, "remove": d.Remove(context.Background(), name), "remove unchanged": d.RemoveUnchanged(context.Background(), name, replaced),
		} {
			if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), name) {
				t.Errorf("%s of a missing file: %v", what, err)
			}
		}
		check(t, d, "")
		create(t, d, "again")
		if err := d.Remove(context.Background(), name); err != nil {
			t.Error(err)
		}
		check(t, d, "")
	})
}

// The time of a file counts as well as its content, since to touch a session's file is to end or to
// prolong the session.
func TestTouchedIsChanged(t *testing.T) {
	onEachSystem(t, func(t *testing.T) {
		d := newFolder(t)
		old := create(t, d, "one")
		if err := os.Chtimes(d.path(name), time.Time{}, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		_, err := d.Replace(context.Background(), name, old, []byte("two"), time.Now())
		checkChanged(t, err, "one")
		check(t, d, "one")
	})
}

// On every system, a change before the last comparison is found.
func TestChangedBeforeTheLastLook(t *testing.T) {
	onEachSystem(t, func(t *testing.T) {
		d := newFolder(t)
		old := create(t, d, "one")
		between(t, "written", func() { renameOver(t, d, "theirs") })
		_, err := d.Replace(context.Background(), name, old, []byte("ours"), time.Now())
		checkChanged(t, err, "theirs")
		check(t, d, "theirs")
	})
}

func TestDeletedBeforeTheLastLook(t *testing.T) {
	onEachSystem(t, func(t *testing.T) {
		d := newFolder(t)
		old := create(t, d, "one")
		between(t, "written", func() { os.Remove(d.path(name)) })
		if _, err := d.Replace(context.Background(), name, old, []byte("ours"), time.Now()); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		check(t, d, "")
	})
}

func TestTooLarge(t *testing.T) {
	d := newFolder(t)
	old := create(t, d, "small")
	renameOver(t, d, strings.Repeat("x", 1001))
	var tooLarge *TooLargeError
	f, err := d.Read(context.Background(), name)
	if !errors.As(err, &tooLarge) || tooLarge.Size != 1001 || f == nil || f.Data != nil || f.ModTime.IsZero() {
		t.Errorf("read %+v, %v", f, err)
	}
	if _, err := d.Replace(context.Background(), name, old, []byte("ours"), time.Now()); !errors.As(err, &tooLarge) {
		t.Errorf("replace: %v", err)
	}
	if err := d.RemoveUnchanged(context.Background(), name, old); !errors.As(err, &tooLarge) {
		t.Errorf("remove: %v", err)
	}
	check(t, d, strings.Repeat("x", 1001))
}

func TestNotRegular(t *testing.T) {
	for kind, makeIt := range irregular {
		t.Run(kind, func(t *testing.T) {
			d := newFolder(t)
			old := create(t, d, "one")
			os.Remove(d.path(name))
			makeIt(t, d.path(name))
			before, err := os.Lstat(d.path(name))
			if err != nil {
				t.Fatal(err)
			}
			_, readErr := d.Read(context.Background(), name)
			_, replaceErr := d.Replace(context.Background(), name, old, []byte("ours"), time.Now())
			for what, err := range map[string]error{"read": readErr, "replace": replaceErr, "remove": d.RemoveUnchanged(context.Background(), name, old)} {
				if !errors.Is(err, ErrNotRegular) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if _, err := d.Create(name, nil, time.Now(), nil); !errors.Is(err, fs.ErrExist) {
				t.Errorf("create: %v", err)
			}
			if after, err := os.Lstat(d.path(name)); err != nil || !os.SameFile(before, after) {
				t.Errorf("now %v, %v", after, err)
			}
			if err := d.Remove(context.Background(), name); (kind == "folder") != errors.Is(err, ErrNotRegular) {
				t.Errorf("remove: %v", err)
			}
		})
	}
}

// Errors hold no path: the names are session keys.
func TestErrorsHoldNoPath(t *testing.T) {
	d := Folder{Path: filepath.Join(t.TempDir(), "missing"), MaxSize: 10}
	_, read := d.Read(context.Background(), name)
	_, created := d.Create(name, nil, time.Now(), nil)
	_, replaced := d.Replace(context.Background(), name, new(File), nil, time.Now())
	for _, err := range []error{read, created, replaced, d.Remove(context.Background(), name), d.RemoveUnchanged(context.Background(), name, new(File))} {
		if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), d.Path) {
			t.Errorf("%v", err)
		}
	}
}
