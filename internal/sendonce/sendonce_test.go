package sendonce_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
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

// Each request of a batch has the outcome that it would have alone.
func TestBatch(t *testing.T) {
	type request struct {
		name     string
		results  []error
		harmless bool
		lost     bool
		want     error
		sent     int
	}
	for _, patient := range []bool{true, false} {
		requests := []*request{
			{name: "done", results: []error{nil}},
			{name: "lost", results: []error{io.EOF}, lost: true, want: djsession.ErrOutcomeUnknown},
			{name: "answered", results: []error{errTaken}, want: errTaken},
			{name: "busy all the time", results: []error{errBusy, errBusy, errBusy}, want: errBusy},
			{name: "busy, then done", results: []error{errBusy, nil}},
			{name: "refused", results: []error{errRefused}, harmless: true, want: errRefused},
			{name: "lost, harmless, then done", results: []error{io.EOF, nil}, harmless: true, lost: true},
			{name: "lost, harmless, then answered", results: []error{io.EOF, errTaken}, harmless: true, lost: true, want: errTaken},
			{name: "lost, harmless, then refused", results: []error{io.EOF, errRefused}, harmless: true, lost: true, want: djsession.ErrOutcomeUnknown},
		}
		batch := sendonce.Batch[*request]{
			Send: func(requests []*request) (results []error) {
				for _, r := range requests {
					results = append(results, r.results[r.sent])
					r.sent++
				}
				return results
			},
			IsAnswer: func(err error) bool { return err == nil || err == errTaken },
			IsLost:   func(err error) bool { return err == io.EOF },
			Repeat:   func(r *request, err error, lost bool) bool { return err == errBusy || lost && r.harmless },
			Wait:     func(int) bool { return patient },
		}
		var reported []*request
		batch.Do(requests, func(r *request, lost bool, err error) {
			reported = append(reported, r)
			wantSent := len(r.results)
			if !patient { // only the first attempt is made
				wantSent, r.lost, r.want = 1, r.results[0] == io.EOF, r.results[0]
			}
			if r.sent != wantSent || lost != r.lost || !errors.Is(err, r.want) {
				t.Errorf("%s, patient %v: sent %d times, lost %v, %v", r.name, patient, r.sent, lost, err)
			}
		})
		if !slices.Equal(reported, requests) {
			t.Error("the results are not in the order of the requests")
		}
		batch.Do(nil, nil) // sends nothing
	}
}
