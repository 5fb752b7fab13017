package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A configuration that is another user's, by itself, by a link to it or by its folder, is
// refused. Only root can make one.
func TestTrustOfOtherUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	const other = 65531
	folder := func(t *testing.T) (dir, file string) {
		dir = t.TempDir()
		file = filepath.Join(dir, configName)
		if err := errors.Join(os.WriteFile(file, nil, 0o644), os.Chmod(dir, 0o755)); err != nil {
			t.Fatal(err)
		}
		return dir, file
	}
	for name, test := range map[string]struct {
		change func(dir, file string) error
		want   string // "" is trust
	}{
		"root's":              {func(dir, file string) error { return nil }, ""},
		"another's":           {func(dir, file string) error { return os.Chown(file, other, other) }, "it belongs to user 65531"},
		"another's folder":    {func(dir, file string) error { return os.Chown(dir, other, other) }, "its folder belongs to user 65531"},
		"the group may write": {func(dir, file string) error { return os.Chmod(file, 0o664) }, "other users may write to it"},
		"another's in /tmp": {func(dir, file string) error {
			return errors.Join(os.Chmod(dir, os.ModeSticky|0o777), os.Chown(file, other, other))
		}, "it belongs to user 65531"},
		"root's in /tmp": {func(dir, file string) error { return os.Chmod(dir, os.ModeSticky|0o777) }, ""},
		"another's link to root's": {func(dir, file string) error {
			return errors.Join(os.Rename(file, file+".real"), os.Symlink(file+".real", file), os.Lchown(file, other, other))
		}, "it is a symbolic link that belongs to user 65531"},
		"a link to another's": {func(dir, file string) error {
			return errors.Join(os.Rename(file, file+".real"), os.Symlink(file+".real", file), os.Chown(file+".real", other, other))
		}, "it belongs to user 65531"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, file := folder(t)
			if err := test.change(dir, file); err != nil {
				t.Fatal(err)
			}
			_, _, err := readFile(file, fromSearch, 1000)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if _, _, err := readFile(file, fromCommandLine, 1000); err != nil {
				t.Errorf("from the command line: %v", err)
			}
			t.Setenv(trustVariable, dir)
			if _, _, err := readFile(file, fromSearch, 1000); err != nil {
				t.Errorf("trusted: %v", err)
			}
		})
	}
}
