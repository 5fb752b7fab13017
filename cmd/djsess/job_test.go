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
	for total, want := range map[int64]string{
		2*p.Read + 1: "[####      ] 49% of about 2,469,135 sessions, 12,345 a second, 1m40s left",
		p.Read:       "[##########] 100% of about 1,234,567 sessions, 12,345 a second, 0s left",
		p.Read - 100: "[##########] 100% of about 1,234,567 sessions, 12,345 a second", // some came meanwhile
		100_000_000:  "[          ] 1% of about 100,000,000 sessions, 12,345 a second, 2h13m20s left",
	} {
		p.Total = total
		if got := progressLine(p, "sessions"); got != want || len(got) >= 80 {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A terminal has one line that changes. A log has plain lines, and none of a job that is soon over.
func TestProgress(t *testing.T) {
	for _, test := range []struct {
		terminal bool
		shown    time.Duration // ago; below 0: just now
		want     string
	}{
		{true, time.Second, "\r5 sessions, 5 a second"},
		{true, -time.Hour, ""},
		{false, time.Hour, "djsess: 5 sessions, 5 a second\n"},
		{false, -time.Hour, ""},
	} {
		var messages bytes.Buffer
		r := &jobReport{app: &app{stderr: &messages}, unit: "sessions", terminal: test.terminal, shown: time.Now().Add(-test.shown)}
		r.progress(ops.Progress{Read: 5, Elapsed: time.Second})
		if got := messages.String(); got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
}
