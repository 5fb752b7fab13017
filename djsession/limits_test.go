package djsession_test

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// A payload that can be written can be read again: the limit applies to the same size in both
// directions.
func TestSizeBound(t *testing.T) {
	const bound = 10_000
	for _, version := range []string{"2.2", "5.2"} {
		s, err := djsession.NewSettings(version, "k")
		if err != nil {
			t.Fatal(err)
		}
		s.MaxPayloadSize = bound
		codec := newCodec(t, s, djsession.NewCodec)
		for _, c := range []struct {
			size int
			ok   bool
		}{{bound, true}, {bound + 1, false}} {
			v := fixture.Values(t, `{"a":"`+strings.Repeat("\xff", c.size-len(`{"a":""}`))+`"}`)
			payload, err := codec.Append(nil, v)
			if (err == nil) != c.ok || err != nil && !errors.Is(err, djsession.ErrTooLarge) {
				t.Fatalf("%s: %d bytes: %v", version, c.size, err)
			}
			if err != nil {
				continue
			}
			if _, _, err := codec.Decode(payload); err != nil {
				t.Errorf("%s: %d bytes were written but cannot be read: %v", version, c.size, err)
			}
			s.MaxPayloadSize = bound - 1
			smaller := newCodec(t, s, djsession.NewCodec)
			if _, _, err := smaller.Decode(payload); !errors.Is(err, djsession.ErrTooLarge) {
				t.Errorf("%s: %d bytes with a limit of one byte less: %v", version, c.size, err)
			}
			s.MaxPayloadSize = bound
		}
	}
}

func TestNoBoundAtAll(t *testing.T) {
	s, err := djsession.NewSettings("5.2", "k")
	if err != nil {
		t.Fatal(err)
	}
	s.MaxPayloadSize = math.MaxInt
	codec := newCodec(t, s, djsession.NewCodec)
	payload, err := codec.Append(nil, fixture.Values(t, `{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := codec.Decode(payload); err != nil || s.MaxStoredSize() <= 0 {
		t.Errorf("%v, stored %d", err, s.MaxStoredSize())
	}
}

// Pythons before 3.12 cannot read much deeper values. Django would take the session for empty.
func TestDepthOfWhatIsWritten(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	var v djsession.Values
	if err := v.SetJSON("a", nested(499)); err != nil {
		t.Errorf("499 levels: %v", err)
	}
	if err := v.SetJSON("a", nested(1500)); err == nil {
		t.Error("1500 levels are accepted")
	}
	if err := v.UnmarshalJSON([]byte(`{"a":` + nested(1500) + `}`)); err == nil {
		t.Error("1500 levels are accepted")
	}
	// Deeper sessions that Django wrote are still read.
	if err := v.UnmarshalPythonJSON(`{"a":` + nested(900) + `}`); err != nil {
		t.Errorf("900 levels: %v", err)
	}
}

func TestValuesAreReadByManyGoroutines(t *testing.T) {
	v := new(djsession.Values)
	for range 200 {
		if err := v.Set(djsession.NewKey(), 1); err != nil {
			t.Fatal(err)
		}
	}
	v = fixture.Values(t, fixture.JSON(t, v))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for name := range v.Names() {
				if !v.Has(name) {
					t.Error("a name is missing")
				}
			}
		})
	}
	wg.Wait()
}

func TestValuesByValue(t *testing.T) {
	v := fixture.Values(t, `{"a":1.0}`)
	var out djsession.Values
	if err := out.Set("copy", *v); err != nil {
		t.Fatal(err)
	}
	if err := out.Set("field", struct{ V djsession.Values }{*v}); err != nil {
		t.Fatal(err)
	}
	if got := fixture.JSON(t, &out); got != `{"copy":{"a":1.0},"field":{"V":{"a":1.0}}}` {
		t.Error(got)
	}
}
