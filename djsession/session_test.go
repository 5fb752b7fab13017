package djsession_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/edit"
)

// The methods have the effects of SessionBase's methods on values, modified and accessed.
func TestSessionMethods(t *testing.T) {
	const before = `{"a":1.0,"cart":{"x":1},"name":"Zo\u00eb","none":null}`
	for _, c := range []struct {
		name               string
		do                 func(*djsession.Session) error
		after              string
		accessed, modified bool
		err                error
	}{
		{"nothing", func(s *djsession.Session) error { return nil }, before, false, false, nil},
		{"key", func(s *djsession.Session) error { s.Key(); s.IsEmpty(); return nil }, before, false, false, nil},
		{"has", func(s *djsession.Session) error { s.Has("a"); return nil }, before, true, false, nil},
		{"names", func(s *djsession.Session) error { s.Names(); return nil }, before, true, false, nil},
		{"values are a copy", func(s *djsession.Session) error { s.Values().Clear(); return nil }, before, true, false, nil},
		{"get none", func(s *djsession.Session) error { return s.Get("b", new(int)) }, before, true, false, djsession.ErrNoValue},
		{"set", func(s *djsession.Session) error { return s.Set("b", 2) }, `{"a":1.0,"cart":{"x":1},"name":"Zo\u00eb","none":null,"b":2}`, true, true, nil},
		{"set the same", func(s *djsession.Session) error { return s.Set("name", "Zoë") }, before, true, true, nil},
		{"set what JSON has not", func(s *djsession.Session) error {
			if err := s.Set("b", make(chan int)); err == nil {
				t.Error("a channel was set")
			}
			return nil
		}, before, true, false, nil},
		{"set json", func(s *djsession.Session) error { return s.SetJSON("a", `[1, 2.50]`) }, `{"a":[1,2.5],"cart":{"x":1},"name":"Zo\u00eb","none":null}`, true, true, nil},
		{"setdefault there", func(s *djsession.Session) error { return s.SetDefault("none", 2) }, before, true, false, nil},
		{"setdefault not there", func(s *djsession.Session) error { return s.SetDefault("b", 2) }, `{"a":1.0,"cart":{"x":1},"name":"Zo\u00eb","none":null,"b":2}`, true, true, nil},
		{"update", func(s *djsession.Session) error { return s.SetAll(map[string]any{"c": 1, "b": 2, "a": 3}) }, `{"a":3,"cart":{"x":1},"name":"Zo\u00eb","none":null,"b":2,"c":1}`, true, true, nil},
		{"update with nothing", func(s *djsession.Session) error { return s.SetAll(nil) }, before, true, true, nil},
		{"update in part", func(s *djsession.Session) error {
			if err := s.SetAll(map[string]any{"b": 2, "c": func() {}}); err == nil {
				t.Error("a func was set")
			}
			return nil
		}, before, true, false, nil},
		{"delete", func(s *djsession.Session) error { return s.Delete("a", "none", "zzz") }, `{"cart":{"x":1},"name":"Zo\u00eb"}`, true, true, nil},
		{"delete none", func(s *djsession.Session) error { return s.Delete("zzz") }, before, true, false, nil},
		{"pop", func(s *djsession.Session) error { var f float64; return s.Pop("a", &f) }, `{"cart":{"x":1},"name":"Zo\u00eb","none":null}`, true, true, nil},
		{"pop none", func(s *djsession.Session) error { return s.Pop("b", new(int)) }, before, true, false, djsession.ErrNoValue},
		{"clear", func(s *djsession.Session) error { return s.Clear() }, `{}`, true, true, nil},
		{"apply", func(s *djsession.Session) error {
			return s.Apply(edit.All(edit.Delete("none"), func(v *djsession.Values) error {
				f, err := djsession.GetOr(v, "a", 0.0)
				return errors.Join(err, v.Set("a", f+1))
			}))
		}, `{"a":2.0,"cart":{"x":1},"name":"Zo\u00eb"}`, true, true, nil},
		{"apply in part", func(s *djsession.Session) error {
			return s.Apply(edit.All(edit.Delete("a"), func(v *djsession.Values) error { v.Clear(); return errTest }))
		}, before, true, false, errTest},
		{"modified by hand", func(s *djsession.Session) error { s.SetModified(true); return nil }, before, false, true, nil},
		{"expiry", func(s *djsession.Session) error { return s.SetExpiry(djsession.AfterIdle(300 * time.Second)) }, `{"a":1.0,"cart":{"x":1},"name":"Zo\u00eb","none":null,"_session_expiry":300}`, true, true, nil},
		{"expiry with a fraction", func(s *djsession.Session) error { return s.SetExpiry(djsession.AfterIdle(1500 * time.Millisecond)) }, `{"a":1.0,"cart":{"x":1},"name":"Zo\u00eb","none":null,"_session_expiry":1.5}`, true, true, nil},
		{"browser close", func(s *djsession.Session) error { return s.SetExpiry(djsession.BrowserClose) }, `{"a":1.0,"cart":{"x":1},"name":"Zo\u00eb","none":null,"_session_expiry":0}`, true, true, nil},
		{"reset no expiry", func(s *djsession.Session) error { return s.SetExpiry(djsession.DefaultExpiry) }, before, true, false, nil},
		{"expiry after no time", func(s *djsession.Session) error {
			if err := s.SetExpiry(djsession.AfterIdle(0)); err == nil || !strings.Contains(err.Error(), "BrowserClose") {
				t.Errorf("the error %v does not mention BrowserClose", err)
			}
			return nil
		}, before, false, false, nil},
		{"the zero expiry", func(s *djsession.Session) error { return s.SetExpiry(djsession.Expiry{}) }, before, true, false, nil},
		{"test cookie", func(s *djsession.Session) error { return s.SetTestCookie() }, `{"a":1.0,"cart":{"x":1},"name":"Zo\u00eb","none":null,"testcookie":"worked"}`, true, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, m := newSite(t)
			key := stored(t, store, before)
			visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
				if err := c.do(s); !errors.Is(err, c.err) || (err != nil) != (c.err != nil) {
					t.Errorf("error %v, want %v", err, c.err)
				}
				if s.Accessed() != c.accessed || s.Modified() != c.modified {
					t.Errorf("accessed %v, modified %v; want %v, %v", s.Accessed(), s.Modified(), c.accessed, c.modified)
				}
			})
			if got := holds(t, store, key); got != c.after {
				t.Errorf("stored %s, want %s", got, c.after)
			}
		})
	}
}

var errTest = errors.New("an error of the test")

func TestSessionReads(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{"n":7,"name":"Zo\u00eb","testcookie":"worked","cart":{"17":2}}`)
	visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		var cart map[string]int
		if err := s.Get("cart", &cart); err != nil || cart["17"] != 2 {
			t.Errorf("cart %v, %v", cart, err)
		}
		if n, err := djsession.GetOr(s, "n", 1); n != 7 || err != nil {
			t.Errorf("n %d, %v", n, err)
		}
		if n, err := djsession.GetOr(s, "none", 1); n != 1 || err != nil {
			t.Errorf("fallback %d, %v", n, err)
		}
		if _, err := djsession.GetOr(s, "name", 1); err == nil {
			t.Error("a text was decoded into an int")
		}
		if raw, ok := s.Raw("name"); raw != `"Zo\u00eb"` || !ok {
			t.Errorf("raw %s", raw)
		}
		if names := slices.Collect(s.Names()); !slices.Equal(names, []string{"n", "name", "testcookie", "cart"}) || s.Len() != 4 {
			t.Errorf("names %v", names)
		}
		if !s.TestCookieWorked() {
			t.Error("the test cookie did not work")
		}
		for name := range s.Names() { // the loop changes them
			if err := s.Delete(name); err != nil {
				t.Error(err)
			}
		}
		s.SetLocal("user", 1)
		if err := s.Flush(r.Context()); err != nil || s.Local("user") != 1 || !s.IsEmpty() {
			t.Errorf("flush: %v, local %v", err, s.Local("user"))
		}
	})
}

func TestSessionExpiry(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 250_000_000, time.UTC)
	for _, c := range []struct {
		version string
		useTZ   bool
		set     func(*djsession.Session) error
		stored  string
		age     time.Duration
		date    time.Time
	}{
		{"5.2", true, func(s *djsession.Session) error { return s.SetExpiry(djsession.DefaultExpiry) }, "", 1209600 * time.Second, now.AddDate(0, 0, 14)},
		{"5.2", true, func(s *djsession.Session) error { return s.SetExpiry(djsession.BrowserClose) }, "0", 1209600 * time.Second, now.AddDate(0, 0, 14)},
		{"5.2", true, func(s *djsession.Session) error { return s.SetExpiry(djsession.AfterIdle(-time.Minute)) }, "-60", -time.Minute, now.Add(-time.Minute)},
		{"5.2", true, func(s *djsession.Session) error { return s.SetExpiry(djsession.At(now.Add(90 * time.Second))) }, `"2026-11-23T12:01:30.250000+00:00"`, 90 * time.Second, now.Add(90 * time.Second)},
		{"5.2", true, func(s *djsession.Session) error { return s.SetExpiry(djsession.At(now.Add(1500*time.Millisecond - 1))) }, `"2026-11-23T12:00:01.749999+00:00"`, time.Second, now.Add(1499999 * time.Microsecond)},
		{"5.2", true, func(s *djsession.Session) error { return s.SetExpiry(djsession.At(now.Truncate(time.Second))) }, `"2026-11-23T12:00:00+00:00"`, -time.Second, now.Truncate(time.Second)},
		{"4.2", false, func(s *djsession.Session) error { return s.SetExpiry(djsession.At(now.Add(90 * time.Second))) }, `"2026-11-23T13:01:30.250000"`, 90 * time.Second, now.Add(90 * time.Second)},
		{"4.0", true, func(s *djsession.Session) error { return s.SetExpiry(djsession.At(now.Add(90 * time.Second))) }, "90", 90 * time.Second, now.Add(90 * time.Second)},
		{"2.2", false, func(s *djsession.Session) error { return s.SetExpiry(djsession.At(now.Add(time.Second / 2))) }, "1", time.Second, now.Add(time.Second)},
		{"2.2", false, func(s *djsession.Session) error { return s.SetExpiry(djsession.At(now.Add(-time.Second / 2))) }, "-1", -time.Second, now.Add(-time.Second)},
	} {
		settings, err := djsession.NewSettings(c.version, "k")
		if err != nil {
			t.Fatal(err)
		}
		settings.UseTZ, settings.TimeZone, settings.Now = c.useTZ, "Europe/Warsaw", func() time.Time { return now }
		m, err := djsession.NewManager(newStore(t, settings))
		if err != nil {
			t.Fatal(err)
		}
		s, err := m.Load(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.set(s); err != nil {
			t.Fatal(err)
		}
		raw, _ := s.Raw("_session_expiry")
		age, err := s.ExpiryAge()
		if err != nil {
			t.Error(err)
		}
		date, err := s.ExpiryDate()
		if err != nil {
			t.Error(err)
		}
		if raw != c.stored || age != c.age || !date.Equal(c.date) {
			t.Errorf("%s: stored %s, want %s; age %v, want %v; date %v, want %v", c.version, raw, c.stored, age, c.age, date, c.date)
		}
		later, err := s.ExpiryAgeFrom(now.Add(-time.Minute))
		if isInstant := len(raw) > 0 && raw[0] == '"'; err != nil || isInstant && later != c.age+time.Minute || !isInstant && later != c.age {
			t.Errorf("%s, %s: a minute before: %v, %v", c.version, raw, later, err)
		}
		if closes, err := s.ExpiresAtBrowserClose(); closes != (raw == "0") || err != nil {
			t.Errorf("%s: at browser close %v, %v", raw, closes, err)
		}
	}
}

func TestReadOnlyManager(t *testing.T) {
	store, m := newSite(t)
	m.ReadOnly = true
	key := stored(t, store, `{"a":1}`)
	for _, cookie := range []string{key, "short", "unknown0unknown0", ""} {
		w := visit(t, m, cookie, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			for name, err := range map[string]error{
				"set": s.Set("a", 2), "clear": s.Clear(), "delete": s.Delete("a"), "delete none": s.Delete("b"), "update": s.SetAll(nil),
				"pop": s.Pop("a", new(int)), "setdefault": s.SetDefault("a", 1), "apply": s.Apply(edit.All()), "expiry": s.SetExpiry(djsession.AfterIdle(1)),
				"flush": s.Flush(r.Context()), "cycle": s.CycleKey(r.Context()), "save": s.Save(r.Context()), "reset": s.SetExpiry(djsession.DefaultExpiry),
			} {
				if !errors.Is(err, djsession.ErrReadOnly) {
					t.Errorf("%s: %v", name, err)
				}
			}
			s.SetModified(true)
		})
		if cookieOf(t, w) != "" {
			t.Errorf("cookie %q: the response sets %q", cookie, cookieOf(t, w))
		}
	}
	if got := holds(t, store, key); got != `{"a":1}` {
		t.Errorf("stored %s", got)
	}
}
