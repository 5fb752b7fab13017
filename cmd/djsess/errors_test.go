package main

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/djsess/djsess/djsession"
)

// An OpError is printed by its fields, wherever it is in the chain, and its hint on a line of
// its own.
func TestReportOpError(t *testing.T) {
	refused := errors.New("connection refused")
	load := &djsession.OpError{Store: "dbstore", Op: "load", Key: "9f3c1a…", Err: refused}
	for _, test := range []struct {
		err  error
		want string
	}{
		{load, "djsess: load 9f3c1a…: connection refused\n"},
		{&djsession.OpError{Store: "dbstore", Op: "scan", Err: refused, Hint: "start it"}, "djsess: scan: connection refused\nstart it\n"},
		{fmt.Errorf("nothing was created: %w", load), "djsess: nothing was created: load 9f3c1a…: connection refused\n"},
		{&hinted{fmt.Errorf("before: %w, after", load), "is the server up?"}, "djsess: before: load 9f3c1a…: connection refused, after\nis the server up?\n"},
		{&djsession.OpError{Store: "cachestore", Op: "load", Key: "9f3c1a…", Err: &djsession.OpError{Store: "rediscache", Op: "get", Key: "site:1…", Err: refused, Hint: "start it"}},
			"djsess: load 9f3c1a…: get site:1…: connection refused\nstart it\n"},
		{&djsession.OpError{Store: "cachestore", Op: "load", Key: "9f3c1a…", Err: load}, "djsess: load 9f3c1a…: connection refused\n"},
		{&djsession.OpError{Store: "cachestore", Op: "scan", Err: fmt.Errorf("page 2: %w", load)}, "djsess: scan: page 2: load 9f3c1a…: connection refused\n"},
	} {
		var stderr bytes.Buffer
		a := &app{stderr: &stderr}
		if status := a.report(test.err); status != failed || stderr.String() != test.want {
			t.Errorf("%v: exit status %d, %q, want %q", test.err, status, stderr.String(), test.want)
		}
	}
}
