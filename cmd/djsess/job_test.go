package main

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession/ops"
)

// A job that could not store a session fails, so that a script does not go on to the next step of a move.
func TestJobThatFailedPartly(t *testing.T) {
	stop := errors.New("stop")
	for _, c := range []struct {
		failed int64
		bad    int
		err    error
		want   error
	}{
		{0, 0, nil, nil},
		{0, 1, nil, reported{untrusted}},
		{1, 0, nil, reported{failed}},
		{1, 1, nil, reported{failed}},
		{1, 1, stop, stop},
	} {
		var out, messages bytes.Buffer
		a := &app{stdout: output{&out}, stderr: &messages}
		text := asText
		r := &jobReport{app: a, out: a.stdout, flags: &jobFlags{output: &text}, hints: hints{app: a}, bad: c.bad}
		err := r.finish([]counter{{"read", 5, "sessions read"}, {"failed", c.failed, "could not be stored"}}, c.err)
		if err != c.want {
			t.Errorf("%d failed, %d bad, %v: %v, want %v", c.failed, c.bad, c.err, err, c.want)
		}
	}
}

func TestProgressLine(t *testing.T) {
	p := ops.Progress{Read: 1_234_567, Elapsed: 100 * time.Second}
	if got, want := progressLine(p, "sessions"), "1,234,567 sessions, 12,345 a second"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.Total = 2 * p.Read
	if got, want := progressLine(p, "sessions"), "1,234,567 of about 2,469,134 sessions, 12,345 a second, about 1m40s left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
