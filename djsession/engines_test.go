package djsession_test

import (
	"context"
	"errors"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// These values are unusual in JSON, in Python or in Go. Both sides must read them alike.
const oddJSON = `{"text":"za\u017c\u00f3\u0142\u0107 \ud83d\ude00 \u0000\u007f </script>","":"empty name","\u017c":1,"int":-7,` +
	`"float":1.0,"tiny":5e-324,"large":1e+16,"zero":-0.0,"big":1606938044258990275541962092341162602522202993782792835301376,` +
	`"nan":NaN,"infinity":-Infinity,"true":true,"none":null,"nested":{"z":[1.0,{"b":[],"a":{}}],"":"x"},"half":"\ud800"}`

var setOdd = action{
	"set",
	"s.update(json.loads(" + strconv.Quote(oddJSON) + "))",
	func(ctx context.Context, g *goSide, s *djsession.Session) error {
		for _, value := range []struct {
			name  string
			value any
		}{
			{"text", "zażółć 😀 \x00\x7f </script>"}, {"", "empty name"}, {"ż", 1}, {"int", int8(-7)},
			{"float", float64(1)}, {"tiny", 5e-324}, {"large", 1e16}, {"zero", -1 / posInf}, {"big", new(big.Int).Lsh(big.NewInt(1), 200)},
			{"nan", posInf - posInf}, {"infinity", -posInf}, {"true", true}, {"none", nil},
		} {
			if err := s.Set(value.name, value.value); err != nil {
				return err
			}
		}
		if err := s.SetJSON("nested", `{"z": [1.0, {"b": [], "a": {}}], "": "x"}`); err != nil {
			return err
		}
		return s.SetJSON("half", `"\ud800"`)
	},
}

var posInf = func() float64 { f, _ := strconv.ParseFloat("inf", 64); return f }()

// Each side sees the other side's changes of a session.
func TestEngines(t *testing.T) {
	for _, e := range slices.Concat(engines, cacheEngines) {
		if testing.Short() && !e.main {
			continue
		}
		for _, version := range e.versions() {
			t.Run(e.name+"/"+version, func(t *testing.T) {
				t.Parallel()
				settings, err := djsession.NewSettings(version, djangotest.SecretKey)
				if err != nil {
					t.Fatal(err)
				}
				site := &engineSite{engine: e, version: version}
				settings.Now = func() time.Time { return time.Now().Add(site.ahead) }
				django, open := e.start(t, version)
				site.django = djangoSide{django}
				site.django.Do(t, pythonSide, nil, nil)
				store := open(settings)
				if c, ok := store.(io.Closer); ok {
					t.Cleanup(func() { c.Close() })
				}
				site.golang = &goSide{newManager(t, store, settings), store}
				site.golang.m.Observer = nil

				t.Run("from Django to Go", func(t *testing.T) { site.fromTo(t, site.django, site.golang) })
				t.Run("from Go to Django", func(t *testing.T) { site.fromTo(t, site.golang, site.django) })
			})
		}
	}
}

// engineSite is a Django and a Go service with the same store and the same clock.
type engineSite struct {
	engine  engine
	version string
	django  djangoSide
	golang  *goSide
	ahead   time.Duration
}

// later moves both clocks.
func (s *engineSite) later(t *testing.T, d time.Duration) {
	t.Helper()
	s.ahead = d
	s.django.Do(t, `ahead = args`, d.Seconds(), nil)
}

// must fails the test unless b and then a see this session. (The side that acted reads last, since
// Django removes the file of an expired session when it reads it.)
func (s *engineSite) must(t *testing.T, a, b side, what, key, want string) {
	t.Helper()
	for _, who := range []side{b, a} {
		if got := who.sees(t, key); got != want {
			t.Errorf("%s: %T sees\n%s, want\n%s", what, who, got, want)
		}
	}
}

func nothing() {}

const inTwoWeeks = " ends after 1209600000000 us"

func (s *engineSite) fromTo(t *testing.T, a, b side) {
	key := a.do(t, "", setOdd, nothing)
	s.must(t, a, b, "set", key, oddJSON+inTwoWeeks)

	// A change leaves all other values unchanged.
	changed := strings.NewReplacer(`"int":-7`, `"int":{"changed":[1.5]}`, `"none":null,`, "", `"half":"\ud800"`, `"half":"\ud800","new":"x"`).Replace(oddJSON)
	key = b.do(t, key, changeOdd, nothing)
	s.must(t, b, a, "change", key, changed+inTwoWeeks)

	old := key
	key = a.do(t, key, cycle, nothing)
	s.must(t, a, b, "cycle", key, changed+inTwoWeeks)
	if !s.engine.irrevocable {
		s.must(t, a, b, "cycle: the old key", old, "nothing")
	}

	// Clear empties a session, and flush ends it.
	key = a.do(t, key, clearAll, nothing)
	s.must(t, a, b, "clear", key, "{}"+inTwoWeeks)
	if key = a.do(t, key, flush, nothing); key != "" {
		t.Errorf("flush: the visitor has %q", key)
	}
	key = a.do(t, a.do(t, "", setOne, nothing), flushAndSet, nothing)
	s.must(t, a, b, "flush and set", key, `{"two":2}`+inTwoWeeks)

	if !s.engine.irrevocable {
		for _, end := range []action{flush, remove} {
			key = a.do(t, "", setOne, nothing)
			a.do(t, key, end, nothing)
			s.must(t, a, b, end.name, key, "nothing")

			// A session that the other side has deleted is not created again.
			key = a.do(t, "", setOne, nothing)
			if got := a.do(t, key, setOne, func() { b.do(t, key, end, nothing) }); got != "400" {
				t.Errorf("%s meanwhile: the visitor has %q", end.name, got)
			}
			s.must(t, a, b, end.name+" meanwhile", key, "nothing")
		}
	}
	for _, e := range expiries {
		if s.version < e.since && !s.engine.pickled { // this Django cannot read it, so Go writes the seconds that are left
			if a == side(s.django) {
				continue
			}
			e.kind = bySeconds
		}
		s.expire(t, a, b, e)
	}
}

var (
	changeOdd = action{
		"change",
		"s['int'] = {'changed': [1.5]}; del s['none']; s['new'] = 'x'",
		func(ctx context.Context, g *goSide, s *djsession.Session) error {
			return errors.Join(s.Set("int", map[string]any{"changed": []float64{1.5}}), s.Delete("none"), s.Set("new", "x"))
		},
	}
	setOne = action{"set one", "s['one'] = 1", func(ctx context.Context, g *goSide, s *djsession.Session) error { return s.Set("one", 1) }}
	cycle  = action{"cycle", "s.cycle_key()", func(ctx context.Context, g *goSide, s *djsession.Session) error { return s.CycleKey(ctx) }}
	flush  = action{"flush", "s.flush()", func(ctx context.Context, g *goSide, s *djsession.Session) error { return s.Flush(ctx) }}

	clearAll    = action{"clear", "s.load(); s.clear()", func(ctx context.Context, g *goSide, s *djsession.Session) error { return s.Clear() }}
	remove      = action{"delete", "s.delete()", func(ctx context.Context, g *goSide, s *djsession.Session) error { return g.store.Delete(ctx, s.Key()) }}
	flushAndSet = action{"flush and set", "s.flush(); s['two'] = 2", func(ctx context.Context, g *goSide, s *djsession.Session) error {
		return errors.Join(s.Flush(ctx), s.Set("two", 2))
	}}
)
