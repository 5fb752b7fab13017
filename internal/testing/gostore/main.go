// Command gostore implements the methods of Django's SessionStore and of django.core.signing by the packages of this
// repository. So Django's own tests can run against Go. testdata/djangotests/run starts it.
//
// It reads a request from each line of stdin, as JSON, and writes a reply in a line of stdout:
//
//	{"op": "get", "now": 1700000000000000, "site": {…}, "session": 1, "name": "cat"}
//	{"result": "dog"}   or   {"error": {"kind": "NoValue", "text": "no such value"}}
//
// An op has the name of the method that it implements. The program ends when its stdin is closed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"
)

// request holds the arguments of all ops. Each op uses the fields that it needs.
type request struct {
	Op   string          `json:"op"`
	Now  int64           `json:"now"`  // the clock, in microseconds since 1970
	Site json.RawMessage `json:"site"` // a siteConfig

	Session int                  `json:"session"` // the number that "new" returned
	Key     string               `json:"key"`     // a session key
	Name    string               `json:"name"`    // of a value
	Value   json.RawMessage      `json:"value"`   // of the name, or all values of a session
	Pairs   [][2]json.RawMessage `json:"pairs"`   // names and values, in Python's order
	Payload string               `json:"payload"` // an encoded session
	Flag    bool                 `json:"flag"`    // the boolean argument of the op

	Microseconds *int64 `json:"microseconds"` // an instant since 1970, or a duration

	Signer signerConfig `json:"signer"`
	Text   []byte       `json:"text"` // the text to sign or to unsign
}

type reply struct {
	Result any         `json:"result"`
	Error  *replyError `json:"error,omitempty"`
}

// server holds the state that lasts from one request to the next.
type server struct {
	now      time.Time        // the clock of the current request
	sites    map[string]*site // by the text of their siteConfig
	sessions []*session
}

func main() {
	if err := serve(context.Background(), os.Stdin, os.Stdout); err != nil {
		log.Fatalf("gostore: %v", err)
	}
}

func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	s := &server{sites: map[string]*site{}}
	requests, replies := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var r request
		if err := requests.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
		s.now = time.UnixMicro(r.Now)
		var answer reply
		if result, err := s.answer(ctx, &r); err != nil {
			answer.Error = newReplyError(err)
		} else {
			answer.Result = result
		}
		if err := replies.Encode(answer); err != nil {
			return fmt.Errorf("answer %s: %w", r.Op, err)
		}
	}
}

// answer runs an op of a signer, of a site or of a session.
func (s *server) answer(ctx context.Context, r *request) (any, error) {
	if op, ok := signingOps[r.Op]; ok {
		return op(r, r.Signer.options(s.now))
	}
	t, err := s.site(r.Site)
	if err != nil {
		return nil, err
	}
	if op, ok := siteOps[r.Op]; ok {
		return op(ctx, t, r)
	}
	if r.Op == "new" {
		s.sessions = append(s.sessions, &session{site: t, key: r.Key})
		return len(s.sessions), nil
	}
	if r.Session < 1 || r.Session > len(s.sessions) {
		return nil, fmt.Errorf("%s: there is no session %d", r.Op, r.Session)
	}
	session := s.sessions[r.Session-1]
	if err := session.moveTo(ctx, t); err != nil {
		return nil, err
	}
	if op, ok := sessionOps[r.Op]; ok {
		return op(ctx, session, r)
	}
	if op, ok := valueOps[r.Op]; ok {
		loaded, err := session.load(ctx)
		if err != nil {
			return nil, err
		}
		return op(ctx, loaded, r)
	}
	return nil, fmt.Errorf("unknown op %q", r.Op)
}
