package sendonce_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sendonce"
)

var (
	errTaken   = errors.New("taken")            // an answer
	errBusy    = errors.New("busy, come later") // a refusal
	errRefused = errors.New("refused")          // for good
)

func TestDo(t *testing.T) {
	for name, test := range map[string]struct {
		results  []error
		harmless bool
		sent     int
		lost     bool
		want     error
	}{
		"done":                                {[]error{nil}, false, 1, false, nil},
		"answered":                            {[]error{errTaken}, true, 1, false, errTaken},
		"refused":                             {[]error{errRefused}, true, 1, false, errRefused},
		"busy, then done":                     {[]error{errBusy, nil}, false, 2, false, nil},
		"busy all the time":                   {[]error{errBusy, errBusy, errBusy}, true, 3, false, errBusy},
		"lost":                                {[]error{io.EOF}, false, 1, true, djsession.ErrOutcomeUnknown},
		"lost, harmless, then done":           {[]error{io.EOF, nil}, true, 2, true, nil},
		"lost, harmless, then answered":       {[]error{io.EOF, errTaken}, true, 2, true, errTaken},
		"lost, harmless, then refused":        {[]error{io.EOF, errRefused}, true, 2, true, djsession.ErrOutcomeUnknown},
		"lost all the time":                   {[]error{io.EOF, io.EOF, io.EOF}, true, 3, true, io.EOF},
		"busy, then lost, and not repeatable": {[]error{errBusy, io.EOF}, false, 2, true, djsession.ErrOutcomeUnknown},
	} {
		sent := 0
		lost, err := sendonce.Request{
			Send:     func() error { sent++; return test.results[sent-1] },
			IsAnswer: func(err error) bool { return err == nil || err == errTaken },
			IsLost:   func(err error) bool { return err == io.EOF },
			Repeat: func(attempt int, err error, lost bool) bool {
				return err == errBusy || lost && test.harmless
			},
		}.Do()
		if sent != test.sent || lost != test.lost || !errors.Is(err, test.want) || errors.Is(err, djsession.ErrOutcomeUnknown) != (lost && err != nil && err != errTaken) {
			t.Errorf("%s: sent %d times, lost %v, %v", name, sent, lost, err)
		}
	}
}

func TestErrors(t *testing.T) {
	dial := fmt.Errorf("get: %w", &net.OpError{Op: "dial", Err: io.EOF})
	read := fmt.Errorf("get: %w", &net.OpError{Op: "read", Err: io.EOF})
	for err, want := range map[error][2]bool{
		dial: {true, false}, read: {false, true}, io.ErrUnexpectedEOF: {false, true}, errBusy: {false, false}, nil: {false, false},
	} {
		if got := [2]bool{sendonce.IsDialError(err), sendonce.IsBroken(err)}; got != want {
			t.Errorf("%v: dial error and broken are %v, want %v", err, got, want)
		}
	}
}
