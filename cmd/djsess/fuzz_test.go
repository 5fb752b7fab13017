package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pickle"
)

// printed is a store that is only shown.
type printed struct {
	djsession.Store
	io.Closer
}

func (printed) String() string { return "db (sqlite)" }

// Whatever a session, a key or an error holds, a terminal is shown nothing that could
// drive it, or that is not text; and a program gets JSON, one object a line.
func FuzzPrinting(f *testing.F) {
	settings, err := djsession.NewSettings("5.2", "secret")
	if err != nil {
		f.Fatal(err)
	}
	evil := "\x1b[2J\x9b31m\u009b\u202e\u2066\u2028\ufeff\r\n\x00\x7f\xff\xed\xa0\x80 \U000e0001é\"\\"
	shown := pickle.NewDict(
		pickle.NewStr("a\u202e\x1b\ud7ff"), pickle.NewList(pickle.NewStr("\u009b"), pickle.NewGlobal("shop\x1b", "Cart\u202e"), pickle.NewBytes("\x00")),
		pickle.NewStr("_auth_user_id"), pickle.NewStr("1\x1b[2J\n\u2028"),
		pickle.NewTuple(pickle.NewInt(1), pickle.NewStr("\x1b")), pickle.NewCall(pickle.NewGlobal("shop\u2028", "Kind"), pickle.NewStr("\r")),
	)
	pickled, err := pickle.Append(nil, shown, 4)
	if err != nil {
		f.Fatal(err)
	}
	for _, data := range []string{string(pickled), `{"a":"\u001b[2J\u009b","\u202e":1e400,"_auth_user_id":"1\n2"}`, "{\"a\":\"\x9b31m\x7f\"}", "{\t\"_auth_user_id\" : 12,\r\n\"b\":-NaN}", "{}"} {
		f.Add([]byte(data), evil, evil)
		f.Add([]byte(data), "abcdefgh12345678", "store url postgres://…: "+evil)
	}
	f.Fuzz(func(t *testing.T, data []byte, key, problem string) {
		var out, problems bytes.Buffer
		a := &app{stdout: output{&out}, stderr: &problems}
		s := &site{Store: printed{}, settings: settings}
		a.complain("%s: %s", djsession.ShortKey(key), reason(errors.New(problem)))
		a.report(&hinted{errors.New(problem), problem})
		for _, serializer := range []djsession.Serializer{djsession.JSONSerializer{}, djsession.PickleSerializer{}} {
			v, err := serializer.Parse(data)
			if err != nil {
				a.report(&djsession.PayloadError{Err: err})
				continue
			}
			for _, r := range []*djsession.Record{{Key: key, Values: v}, {Name: key, Values: v, Expires: time.Unix(int64(len(problem))<<32, 0)}} {
				if err := a.printSession(s, r); err != nil {
					t.Fatal(err)
				}
				l := lister{app: a, site: s, out: bufio.NewWriter(&out), all: true, columns: defaultColumns(true)}
				if err := l.print(listed{r, key}); err != nil {
					t.Fatal(err)
				}
				l.complain(r, errors.New(problem))
				l.out.Flush()
				entry := appendEntry(nil, r, time.Now())
				if line, ok := strings.CutSuffix(string(entry), "\n"); !ok || strings.Contains(line, "\n") || !json.Valid(entry) {
					t.Errorf("%q is an entry of %q", entry, data)
				}
				out.Write(entry)
			}
		}
		for _, text := range []string{out.String(), problems.String()} {
			if !utf8.ValidString(text) {
				t.Fatalf("%q is no UTF-8", text)
			}
			if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
				t.Fatalf("%q is printed, with %q", text, text[i:min(len(text), i+4)])
			}
		}
	})
}
