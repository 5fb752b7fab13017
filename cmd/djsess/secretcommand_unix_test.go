//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSecretCommand(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "print"), []byte("#!/bin/sh\necho from the folder\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		want string // the password
		err  string
		says string // on stderr
	}{
		"no newline":       {args: []string{"printf", "hunter2"}, want: "hunter2"},
		"a newline":        {args: []string{"printf", `hunter2\n`}, want: "hunter2"},
		"spaces are kept":  {args: []string{"printf", ` hunter2 \r\n`}, want: " hunter2 "},
		"no shell":         {args: []string{"echo", "$HOME", "`id`", ";", "*"}, want: "$HOME `id` ; *"},
		"a shell":          {args: []string{"sh", "-c", `echo "$PATH"`}, want: os.Getenv("PATH")},
		"relative":         {args: []string{"./print"}, want: "from the folder"},
		"leaves a process": {args: []string{"sh", "-c", "sleep 3 2>/dev/null & echo hunter2"}, want: "hunter2"},
		"fails":            {args: []string{"sh", "-c", "echo hunter2; echo sealed >&2; exit 3"}, err: `the program "sh" failed: exit status 3`, says: "sealed\n"},
		"is killed":        {args: []string{"/bin/sh", "-c", "kill -9 $$"}, err: `the program "sh" failed: signal: killed`},
		"nothing":          {args: []string{"true"}, err: `the program "true" printed nothing`},
		"empty lines":      {args: []string{"printf", `\n\n`}, err: `the program "printf" printed nothing`},
		"several lines":    {args: []string{"printf", `warning\nhunter2\n`}, err: `the program "printf" printed 2 lines, and a password is one`},
		"10 MB":            {args: []string{"head", "-c", "10000000", "/dev/zero"}, err: `the program "head" printed more than 64 KiB`},
		"without an end":   {args: []string{"yes", "hunter2"}, err: `the program "yes" printed more than 64 KiB`},
		"a BOM":            {args: []string{"printf", `\357\273\277hunter2`}, err: `the output of the program "printf": it begins with a byte order mark`},
		"absent":           {args: []string{"hunter2"}, err: "the program cannot be started: executable file not found in $PATH"},
		"one text":         {args: []string{"echo hunter2"}, err: `the program cannot be started: executable file not found in $PATH; each argument is a text of its own in the list: ["program", "argument"]`},
		"absent there":     {args: []string{"./hunter2"}, err: "the program cannot be started: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			c := &secretCommand{args: test.args, folder: folder, stderr: &stderr, limit: time.Hour}
			got, err := c.password(t.Context())
			switch {
			case got != test.want:
				t.Errorf("%q (%v), want %q", got, err, test.want)
			case err == nil && test.err == "":
			case err == nil || !strings.HasPrefix(err.Error(), test.err) || strings.Contains(err.Error(), "hunter2"):
				t.Errorf("%v, want %s", err, test.err)
			}
			if says := stderr.String(); says != test.says {
				t.Errorf("stderr: %q, want %q", says, test.says)
			}
		})
	}
}

// A program that hangs is killed with all that it has started.
func TestSecretCommandHangs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limit, load time.Duration
		cancel      bool
		err         string
	}{
		"its limit":   {limit: 100 * time.Millisecond, load: time.Hour, err: `the program "sh" was still running after 100ms, and was killed`},
		"of the load": {limit: time.Hour, load: 100 * time.Millisecond, err: `the program "sh" was still running when the time for a load was over, and was killed`},
		"interrupted": {limit: time.Hour, load: time.Hour, cancel: true, err: "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if err := syscall.Mkfifo(filepath.Join(folder, "alive"), 0o600); err != nil {
				t.Fatal(err)
			}
			// Each process that still runs holds the pipe open.
			alive, err := os.OpenFile(filepath.Join(folder, "alive"), os.O_RDONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer alive.Close()
			ctx, cancel := context.WithTimeout(t.Context(), test.load)
			defer cancel()
			if test.cancel {
				time.AfterFunc(100*time.Millisecond, cancel)
			}
			c := &secretCommand{args: []string{"sh", "-c", "exec 3>alive; echo hunter2; sleep 3600 & wait"}, folder: folder, stderr: io.Discard, limit: test.limit}
			_, err = c.password(ctx)
			if err == nil || !strings.HasPrefix(err.Error(), test.err) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v, want %s", err, test.err)
			}
			if _, err := io.ReadAll(alive); err != nil { // ends when nobody has the pipe
				t.Error(err)
			}
			if test.cancel != errors.Is(configAt("x", err), context.Canceled) {
				t.Errorf("%v", err)
			}
		})
	}
}
