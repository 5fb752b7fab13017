package djsession_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/edit"
)

// Every method that changes a session is re-applied on top of a concurrent write, so that
// neither change is lost.
func TestConcurrentWriteIsKept(t *testing.T) {
	const loaded = `{"a":1,"b":"old","list":["x"]}`
	day := time.Date(2037, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name   string
		ours   func(*djsession.Session) error
		theirs edit.Change
		want   string
	}{
		{"set another", func(s *djsession.Session) error { return s.Set("c", 3) }, edit.Set("a", 2), `{"a":2,"b":"old","list":["x"],"c":3}`},
		{"set the same", func(s *djsession.Session) error { return s.Set("a", 3) }, edit.All(edit.Set("a", 2), edit.Set("b", "new")), `{"a":3,"b":"new","list":["x"]}`},
		{"set what they removed", func(s *djsession.Session) error { return s.Set("a", 3) }, edit.Delete("a", "b"), `{"list":["x"],"a":3}`},
		{"set JSON", func(s *djsession.Session) error { return s.SetJSON("c", `[1.50]`) }, edit.Set("a", 2), `{"a":2,"b":"old","list":["x"],"c":[1.5]}`},
		{"set default, no value yet", func(s *djsession.Session) error { return s.SetDefault("c", 3) }, edit.Set("a", 2), `{"a":2,"b":"old","list":["x"],"c":3}`},
		{"set default, they set it", func(s *djsession.Session) error { return s.SetDefault("c", 3) }, edit.Set("c", 2), `{"a":1,"b":"old","list":["x"],"c":2}`},
		{"set all", func(s *djsession.Session) error { return s.SetAll(map[string]any{"d": 4, "c": 3, "b": "ours"}) }, edit.Set("a", 2), `{"a":2,"b":"ours","list":["x"],"c":3,"d":4}`},
		{"delete", func(s *djsession.Session) error { return s.Delete("a", "none") }, edit.Set("c", 3), `{"b":"old","list":["x"],"c":3}`},
		{"delete what they changed", func(s *djsession.Session) error { return s.Delete("a") }, edit.Set("a", 2), `{"b":"old","list":["x"]}`},
		{"clear", func(s *djsession.Session) error { return s.Clear() }, edit.Set("c", 3), `{}`},
		{"clear and set", func(s *djsession.Session) error {
			if err := s.Clear(); err != nil {
				return err
			}
			return s.Set("d", 4)
		}, edit.Set("c", 3), `{"d":4}`},
		{"pop", func(s *djsession.Session) error { return s.Pop("a", new(int)) }, edit.Set("c", 3), `{"b":"old","list":["x"],"c":3}`},
		{"pop what they changed", func(s *djsession.Session) error { return s.Pop("a", new(int)) }, edit.Set("a", 2), `{"a":2,"b":"old","list":["x"]}`},
		{"pop what they removed", func(s *djsession.Session) error { return s.Pop("a", new(int)) }, edit.Delete("a"), `{"b":"old","list":["x"]}`},
		{"apply", func(s *djsession.Session) error { return s.Apply(edit.Add("a", 10)) }, edit.Add("a", 1), `{"a":12,"b":"old","list":["x"]}`},
		{"apply twice", func(s *djsession.Session) error {
			if err := s.Apply(edit.Add("a", 10)); err != nil {
				return err
			}
			return s.Apply(edit.Add("a", 100))
		}, edit.Add("a", 1), `{"a":112,"b":"old","list":["x"]}`},
		{"apply to a list", func(s *djsession.Session) error {
			return s.Apply(func(v *djsession.Values) error {
				list, err := djsession.GetOr(v, "list", []string(nil))
				if err != nil {
					return err
				}
				return v.Set("list", append(list, "ours"))
			})
		}, edit.SetJSON("list", `["x","theirs"]`), `{"a":1,"b":"old","list":["x","theirs","ours"]}`},
		{"apply with SetDefault and Pop", func(s *djsession.Session) error {
			return s.Apply(func(v *djsession.Values) error {
				var a int
				if err := v.Pop("a", &a); err != nil {
					return err
				}
				if err := v.SetDefault("b", "ours"); err != nil {
					return err
				}
				return v.SetDefault("c", a)
			})
		}, edit.Set("a", 2), `{"b":"old","list":["x"],"c":2}`},
		{"expiry after idle", func(s *djsession.Session) error { return s.SetExpiry(djsession.AfterIdle(time.Hour)) }, edit.Set("a", 2), `{"a":2,"b":"old","list":["x"],"_session_expiry":3600}`},
		{"expiry at", func(s *djsession.Session) error { return s.SetExpiry(djsession.At(day)) }, edit.Set("a", 2), `{"a":2,"b":"old","list":["x"],"_session_expiry":"2037-01-02T03:04:05+00:00"}`},
		{"expiry at browser close", func(s *djsession.Session) error { return s.SetExpiry(djsession.BrowserClose) }, edit.Set("_session_expiry", 60), `{"a":1,"b":"old","list":["x"],"_session_expiry":0}`},
		{"default expiry", func(s *djsession.Session) error {
			if err := s.SetExpiry(djsession.AfterIdle(time.Hour)); err != nil {
				return err
			}
			return s.SetExpiry(djsession.DefaultExpiry)
		}, edit.Set("_session_expiry", 60), `{"a":1,"b":"old","list":["x"]}`},
		{"test cookie", func(s *djsession.Session) error { return s.SetTestCookie() }, edit.Set("a", 2), `{"a":2,"b":"old","list":["x"],"testcookie":"worked"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, m := newSite(t)
			key := stored(t, store, loaded)
			w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
				if err := c.ours(s); err != nil {
					t.Error(err)
				}
				if _, err := djsession.Update(r.Context(), store, key, c.theirs); err != nil {
					t.Error(err)
				}
			})
			if got := holds(t, store, key); got != c.want || w.Code != http.StatusOK {
				t.Errorf("stored %s, want %s; status %d", got, c.want, w.Code)
			}
		})
	}
}

// A value is encoded when it is set. Later changes of the Go value have no effect, even if the
// change is re-applied.
func TestSetEncodesOnce(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{}`)
	visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		list, byDefault, all, names := []int{1}, []int{2}, map[string]any{"all": []int{3}}, []string{"gone"}
		for _, err := range []error{
			s.Set("gone", 1), s.Set("kept", 1),
			s.Set("list", list), s.SetDefault("default", byDefault), s.SetAll(all), s.Delete(names...),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		list[0], byDefault[0], all["more"], names[0] = 7, 7, 7, "kept"
		if _, err := djsession.Update(r.Context(), store, key, edit.Set("theirs", 1)); err != nil {
			t.Error(err)
		}
	})
	if got, want := holds(t, store, key), `{"theirs":1,"kept":1,"list":[1],"default":[2],"all":[3]}`; got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
}
