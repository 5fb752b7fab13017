package rediscache_test

import (
	"errors"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pydict"
)

// A format without references writes a thing as often as it is held: there is an end to that.
func TestSerializersHaveALimit(t *testing.T) {
	for name, laughs := range map[string]*pickle.Object{
		"nothing": pickle.NewList(),
		"text":    pickle.NewCall(pickle.NewGlobal("django.utils.safestring", "SafeString"), pickle.NewStr(string(make([]byte, 1<<20)))),
	} {
		for range 40 {
			laughs = pickle.NewList(laughs, laughs)
		}
		read, err := pydict.Values(pickle.NewDict(pickle.NewStr("laughs"), laughs))
		if err != nil {
			t.Fatal(err)
		}
		v := read.(*djsession.Values)
		for _, s := range []djsession.Serializer{rediscache.JSONSerializer{}, rediscache.MessagePackSerializer{}} {
			out, err := s.Append([]byte("x"), v)
			if !errors.Is(err, djsession.ErrTooLarge) || string(out) != "x" {
				t.Errorf("%s: %T: %d bytes, %v", name, s, len(out), err)
			}
		}
	}
}
