package ops_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// openWith opens a store in Go alone.
func openWith(t *testing.T, url, version string, change func(*djsession.Settings)) storeurl.Store {
	t.Helper()
	settings, err := djsession.NewSettings(version, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(settings)
	}
	store, err := storeurl.Open(url, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func inFolder(t *testing.T) (url string) { return "file:///" + filepath.ToSlash(t.TempDir()) }

func rotated(s *djsession.Settings) {
	s.SecretKey, s.SecretKeyFallbacks, s.AcceptNewKey = newKey, []string{djangotest.SecretKey}, true
}

func create(t *testing.T, store djsession.Store, n int, name string, value any) (keys []string) {
	t.Helper()
	for range n {
		v := new(djsession.Values)
		if err := v.Set(name, value); err != nil {
			t.Fatal(err)
		}
		r, err := store.Create(t.Context(), "", v, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, r.Key)
	}
	return keys
}

// Beside writers and logouts Rotate and Convert lose no write and bring back no session.
func TestRewriteBesideWriters(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (before, store storeurl.Store, run func() (read int64, err error)){
		"Rotate in files": func(t *testing.T) (before, store storeurl.Store, run func() (int64, error)) {
			url := inFolder(t)
			store = openWith(t, url, djangotest.Newest, rotated)
			return openWith(t, url, djangotest.Newest, nil), store, func() (int64, error) {
				report, err := ops.Rotate(t.Context(), store, ops.Rotation{Job: keepsAll(t)})
				return report.Read, err
			}
		},
		"Convert in Redis": func(t *testing.T) (before, store storeurl.Store, run func() (int64, error)) {
			url := djangotest.Redis(t).URL + "?client=django-redis"
			store = openWith(t, url+"&serializer=json,pickle", djangotest.Newest, nil)
			return openWith(t, url, djangotest.Newest, nil), store, func() (int64, error) {
				report, err := ops.Convert(t.Context(), store, ops.Conversion{Job: keepsAll(t), AcceptNewForm: true})
				return report.Read, err
			}
		},
	} {
		t.Run(name, func(t *testing.T) { testRewriteBesideWriters(t, open) })
	}
}

func testRewriteBesideWriters(t *testing.T, open func(t *testing.T) (before, store storeurl.Store, run func() (read int64, err error))) {
	const n = 200
	before, store, run := open(t)
	keys := create(t, before, n, "count", 0)
	increment := func(v *djsession.Values) error {
		count, err := djsession.GetOr(v, "count", 0)
		if err != nil {
			return err
		}
		return v.Set("count", count+1)
	}
	var writes [n]int
	var stop atomic.Bool
	var writers sync.WaitGroup
	const gone = 20 // the sessions before this one are deleted
	for w := range 2 {
		writers.Go(func() {
			for i := w; !stop.Load(); i += 2 {
				at := gone + i%(n-gone)
				if _, err := djsession.Update(t.Context(), store, keys[at], increment); err != nil {
					t.Error(err)
					return
				}
				writes[at]++
			}
		})
	}
	writers.Go(func() {
		for _, key := range keys[:gone] {
			if err := store.Delete(t.Context(), key); err != nil {
				t.Error(err)
			}
		}
	})
	var read int64
	for range 5 {
		one, err := run()
		if err != nil {
			t.Fatal(err)
		}
		read += one
	}
	stop.Store(true)
	writers.Wait()
	for i, key := range keys {
		r, err := store.Load(t.Context(), key)
		switch {
		case i < gone:
			if !errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("session %d is back: %v", i, err)
			}
		case err != nil:
			t.Error(err)
		default:
			if count, err := djsession.GetOr(r.Values, "count", -1); err != nil || count != writes[i] || r.Origin.Key != 0 || r.Origin.Old {
				t.Errorf("session %d counts %d after %d writes, under the key %d, old: %v (%v)", i, count, writes[i], r.Origin.Key, r.Origin.Old, err)
			}
		}
	}
	if read < 5*(n-gone) {
		t.Errorf("%d sessions were read", read)
	}
}

// With a wrong SECRET_KEY nothing is written.
func TestRewriteWrongKey(t *testing.T) {
	url := inFolder(t)
	right := openWith(t, url, "4.2", nil)
	keys := create(t, right, 150, "a", 1)
	wrong := openWith(t, url, "5.2", func(s *djsession.Settings) {
		s.SecretKey, s.SecretKeyFallbacks, s.ReadBothForms, s.AcceptNewKey = "wrong", []string{"wrong, too"}, true, true
	})
	_, rotateErr := ops.Rotate(t.Context(), wrong, ops.Rotation{})
	_, convertErr := ops.Convert(t.Context(), wrong, ops.Conversion{AcceptNewForm: true})
	for name, err := range map[string]error{"Rotate": rotateErr, "Convert": convertErr} {
		if !errors.Is(err, djsession.ErrBadSignature) || strings.Contains(err.Error(), keys[0]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, key := range keys {
		if r, err := right.Load(t.Context(), key); err != nil || r.Origin.Key != 0 {
			t.Fatalf("a session was changed: %v", err)
		}
	}
	if _, err := ops.Rotate(t.Context(), right, ops.Rotation{}); !errors.Is(err, ops.ErrNoFallbacks) {
		t.Errorf("without fallbacks: %v", err)
	}
}

// Pickles in Redis become JSON, and what zlib compressed is compressed by zstd; each session ends when it did.
func TestConvertRedis(t *testing.T) {
	t.Parallel()
	server := djangotest.Redis(t)
	url := func(options string) string { return server.URL + "?client=django-redis&" + options }
	for _, tt := range []struct{ name, old, both, current string }{
		{"pickle to JSON", "", "serializer=json,pickle", "serializer=json"},
		{"JSON to MessagePack", "serializer=json", "serializer=msgpack,json", "serializer=msgpack"},
		{"zlib to zstd", "compressor=zlib", "compressor=zstd,zlib", "compressor=zstd"},
		{"uncompressed to lz4", "compressor=none", "compressor=lz4,none", "compressor=lz4"},
		{"both", "compressor=gzip", "compressor=none,gzip&serializer=json,pickle", "serializer=json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server.Do(t, "FLUSHALL")
			const n = 30
			keys := create(t, openWith(t, url(tt.old), djangotest.Newest, nil), n, "text", strings.Repeat("words ", 20))
			both, current := openWith(t, url(tt.both), djangotest.Newest, nil), openWith(t, url(tt.current), djangotest.Newest, nil)
			if _, err := ops.Convert(t.Context(), both, ops.Conversion{}); !errors.Is(err, ops.ErrUnknownForm) {
				t.Fatalf("without a session in the new form: %v", err)
			}
			create(t, current, 1, "text", strings.Repeat("words ", 20))
			report, err := ops.Convert(t.Context(), both, ops.Conversion{Job: keepsAll(t)})
			if err != nil || *report != (ops.ConversionReport{Read: n + 1, Converted: n, Old: n}) {
				t.Fatalf("%+v, %v", report, err)
			}
			for _, key := range keys {
				r, err := current.Load(t.Context(), key)
				if err != nil || r.Values.GetString("text") != strings.Repeat("words ", 20) {
					t.Fatalf("%v, %v", r, err)
				}
				expires, err := current.(djsession.ExpiryReader).Expires(t.Context(), key)
				if left := time.Until(expires); err != nil || left < 59*time.Minute || left > time.Hour {
					t.Fatalf("it ends in %v, %v", left, err)
				}
			}
			if report, err = ops.Convert(t.Context(), both, ops.Conversion{}); err != nil || *report != (ops.ConversionReport{Read: n + 1}) {
				t.Errorf("second run: %+v, %v", report, err)
			}
		})
	}
}

// A value that JSON cannot hold ends the job, or is left out, or is kept as a pickle.
func TestConvertLoss(t *testing.T) {
	own := djsession.Serializers{djsession.JSONSerializer{}, djsession.PickleSerializer{}}
	for _, tt := range []struct {
		onLoss ops.OnLoss
		want   string
	}{
		{ops.StopOnLoss, ""},
		{ops.SkipOnLoss, `{"a":1}`},
		{ops.KeepOpaque, `{"a":1,"cart":{"__pickle__":"`},
	} {
		t.Run(fmt.Sprint(tt.onLoss), func(t *testing.T) {
			url := inFolder(t)
			pickled := openWith(t, url, "4.2", func(s *djsession.Settings) { s.SessionSerializer = djsession.PickleSerializer{} })
			// {"a": 1, "cart": shop.Cart()}
			const pickle = "\x80\x04}\x94(\x8c\x01a\x94K\x01\x8c\x04cart\x94\x8c\x04shop\x94\x8c\x04Cart\x94\x93\x94)\x81\x94u."
			v, err := djsession.PickleSerializer{}.Parse([]byte(pickle))
			if err != nil {
				t.Fatal(err)
			}
			r, err := pickled.Create(t.Context(), "", v, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			both := openWith(t, url, "4.2", func(s *djsession.Settings) { s.SessionSerializer = own })
			lost := 0
			report, err := ops.Convert(t.Context(), both, ops.Conversion{OnLoss: tt.onLoss, AcceptNewForm: true, Job: ops.Job{Found: func(f ops.Finding) {
				if !errors.As(f.Err, new(*ops.LostValueError)) || !strings.Contains(f.Err.Error(), "shop.Cart") {
					t.Error(f)
				}
				lost++
			}}})
			if lost != 1 || report.Lossy != 1 {
				t.Errorf("%d values were lost, %+v", lost, report)
			}
			after, loadErr := both.Load(t.Context(), r.Key)
			if loadErr != nil {
				t.Fatal(loadErr)
			}
			if tt.want == "" {
				if !errors.As(err, new(*ops.LostValueError)) || !after.Origin.Old {
					t.Errorf("%v; converted: %v", err, !after.Origin.Old)
				}
				return
			}
			if text := string(after.Values.AppendShown(nil)); err != nil || !strings.HasPrefix(text, tt.want) || after.Origin.Old {
				t.Errorf("%s, %v", text, err)
			}
		})
	}
}

// Django before 4.1 fails at the text of a datetime in _session_expiry. For a site that goes back, it becomes seconds.
func TestConvertExpiry(t *testing.T) {
	url := djangotest.Redis(t).URL + "?client=django-redis"
	at := time.Now().Add(500 * time.Second).UTC().Format("2006-01-02T15:04:05+00:00")
	key := create(t, openWith(t, url, "5.2", nil), 1, "_session_expiry", at)[0]
	store := openWith(t, url, "3.2", nil)
	for _, want := range []int64{1, 0} { // a second run has nothing to do
		report, err := ops.Convert(t.Context(), store, ops.Conversion{Job: keepsAll(t)})
		if err != nil || *report != (ops.ConversionReport{Read: 1, Converted: want}) {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	r, err := store.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	// The session ends when its store says so: create has given it an hour.
	if left, err := djsession.GetOr(r.Values, "_session_expiry", 0); err != nil || left < 3590 || left > 3600 {
		t.Errorf("_session_expiry is %d, %v", left, err)
	}
	expires, err := store.(djsession.ExpiryReader).Expires(t.Context(), key)
	if left := time.Until(expires); err != nil || left < 59*time.Minute || left > time.Hour {
		t.Errorf("it ends in %v, %v", left, err)
	}
}
