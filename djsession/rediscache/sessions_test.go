package rediscache_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// Go reads a session of the engine cache that Django wrote, and adds a value. Django then has all
// other values unchanged, even those that Go has no type for.
func TestSessions(t *testing.T) {
	const someValues = `{"_auth_user_id": "1", "grüße": ["\U0001f600", 1.0, 2**60, None, True, {"b": 1, "a": [[]]}]}`
	for _, tt := range []struct {
		name       string
		version    string
		client     siteClient
		serializer string
		ours       djsession.Serializer
		more       string // values that only this serializer keeps
	}{
		{"4.2", "4.2", djangosOwn, "", nil, opaque},
		{"newest", djangotest.Newest, djangosOwn, "", nil, opaque},
		{"django-redis 3.2", "3.2", djangoRedis, "pickle.PickleSerializer", djsession.PickleSerializer{Protocol: 4}, opaque},
		{"django-redis 4.2", "4.2", djangoRedis, "pickle.PickleSerializer", nil, opaque},
		{"django-redis newest", djangotest.Newest, djangoRedis, "pickle.PickleSerializer", nil, opaque},
		{"django-valkey", djangotest.Newest, djangoValkey, "pickle.PickleSerializer", nil, opaque},
		{"JSON 3.2", "3.2", djangoRedis, "json.JSONSerializer", rediscache.JSONSerializer{}, `{"big": 10**50, "at": datetime.datetime(2024, 1, 1)}`},
		{"JSON 4.2", "4.2", djangoRedis, "json.JSONSerializer", rediscache.JSONSerializer{}, `{"nan": float("inf")}`},
		{"JSON newest", djangotest.Newest, djangoRedis, "json.JSONSerializer", rediscache.JSONSerializer{}, `{"surrogate": "\ud800"}`},
		{"JSON django-valkey", djangotest.Newest, djangoValkey, "json.JSONSerializer", rediscache.JSONSerializer{}, `{"big": 10**50}`},
		{"MessagePack 3.2", "3.2", djangoRedis, "msgpack.MSGPackSerializer", rediscache.MessagePackSerializer{}, packed},
		{"MessagePack 4.2", "4.2", djangoRedis, "msgpack.MSGPackSerializer", rediscache.MessagePackSerializer{}, packed},
		{"MessagePack newest", djangotest.Newest, djangoRedis, "msgpack.MSGPackSerializer", rediscache.MessagePackSerializer{}, packed},
		{"MessagePack django-valkey", djangotest.Newest, djangoValkey, "msgpack.MSGPackSerializer", rediscache.MessagePackSerializer{}, packed},
	} {
		if !djangotest.Runs(tt.version) || !tt.client.in(tt.version) {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := djangotest.Redis(t)
			entry := tt.client.entry(r)
			if tt.serializer != "" {
				module := strings.ReplaceAll(string(tt.client), "-", "_")
				entry["OPTIONS"].(map[string]any)["SERIALIZER"] = module + ".serializers." + tt.serializer
			}
			entry["KEY_PREFIX"], entry["VERSION"] = "my*site", 3
			s := &site{Django: djangotest.Start(t, tt.version, djangotest.Settings{"CACHES": djangotest.Caches(entry)}), client: tt.client}
			s.Do(t, prelude+`
import fractions, msgpack
from django.contrib.sessions.backends.cache import SessionStore as CacheSession
def new(values, age):
	s = CacheSession()
	for name, value in values.items(): s[name] = value
	s.set_expiry(age)
	s.save()
	return s.session_key`, nil, nil)
			settings, err := djsession.NewSettings(tt.version, djangotest.SecretKey)
			if err != nil {
				t.Fatal(err)
			}
			cache := open(t, r, s.config())
			serializer := tt.ours
			if serializer == nil {
				serializer = settings.PickleSerializer()
			}
			store, err := cachestore.New(cache, cachestore.Config{Settings: settings, Serializer: serializer, KeyPrefix: "my*site", Version: 3})
			if err != nil {
				t.Fatal(err)
			}
			var key string
			s.Do(t, `
				values = {**eval(args[0]), **eval(args[1])}
				result = new(values, 1000)
				before = dict(CacheSession(result).items())
			`, []any{someValues, tt.more}, &key)
			record, err := store.Load(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if got := record.Values.GetString("_auth_user_id"); got != "1" {
				t.Errorf("user %q", got)
			}
			changed := record.Values.Clone()
			if err := changed.Set("cart", []int{1, 2}); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Replace(t.Context(), record, changed, time.Time{}); err != nil {
				t.Fatal(err)
			}
			s.Do(t, `
				after = dict(CacheSession(args).items())
				assert after.pop("cart") == [1, 2]
				assert repr(after) == repr(before), (before, after)
				assert 900 < CacheSession(args).get_expiry_age() <= 1000
			`, key, nil)
			expires, err := store.Expires(t.Context(), key)
			if left := time.Until(expires); err != nil || left > 1000*time.Second || left < 900*time.Second {
				t.Errorf("%v left, %v", left, err)
			}

			// Django reads a session that Go creates.
			made, err := store.Create(t.Context(), "", changed, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			s.Do(t, `
				after = dict(CacheSession(args).items())
				assert after.pop("cart") == [1, 2]
				assert repr(after) == repr(before), (before, after)
				s = CacheSession(args)
				s["more"] = 1
				s.save()
			`, made.Key, nil)
			if _, err := store.Replace(t.Context(), made, changed, time.Time{}); !errors.Is(err, djsession.ErrConflict) {
				t.Errorf("Replace overwrote a write of Django's: %v", err)
			}
			n := 0
			for r, err := range store.Scan(t.Context(), djsession.Range{}) {
				if err != nil || r.Values.GetString("_auth_user_id") != "1" {
					t.Errorf("scan: %v, %v", r, err)
				}
				n++
			}
			if n != 2 {
				t.Errorf("%d sessions, want 2", n)
			}
			if err := store.Delete(t.Context(), made.Key); err != nil {
				t.Error(err)
			}
			s.Do(t, `assert not CacheSession().exists(args)`, made.Key, nil)
		})
	}
}

const (
	opaque = `{"fraction": fractions.Fraction(1, 3), "complex": 1j, "range": range(3), "set": {1}, "bytes": b"\x00", "tuple": (1, (2,)),
		"at": datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.timezone.utc), "price": decimal.Decimal("1.50"), "class": fractions.Fraction, 5: "a key"}`
	packed = `{"bytes": b"\x00\xff", "ext": msgpack.ExtType(5, b"abc"), "stamp": msgpack.Timestamp(5, 7), "big": 2**64 - 1}`
)

// The error for a session that was written with another serializer names both serializers' formats.
func TestOtherSerializer(t *testing.T) {
	settings, err := djsession.NewSettings(djangotest.Newest, "secret")
	if err != nil {
		t.Fatal(err)
	}
	r := djangotest.Redis(t)
	v := new(djsession.Values)
	if err := v.Set("a", 1); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, wrote := range serializers {
		for _, reads := range serializers {
			cache := open(t, r, rediscache.Config{})
			open := func(s djsession.Serializer) *cachestore.Store {
				store, err := cachestore.New(cache, cachestore.Config{Settings: settings, Serializer: s})
				if err != nil {
					t.Fatal(err)
				}
				return store
			}
			record, err := open(wrote.ours).Create(t.Context(), "", v, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = open(reads.ours).Load(t.Context(), record.Key)
			if wrote == reads {
				if err != nil {
					t.Error(err)
				}
				continue
			}
			var payload *djsession.PayloadError
			if !errors.As(err, &payload) || !errors.Is(err, djsession.ErrMalformed) {
				t.Errorf("%s read as %s: %v", wrote.python, reads.python, err)
				continue
			}
			texts[wrote.python+" as "+reads.python] = payload.Err.Error()
		}
	}
	for what, want := range map[string]string{
		"json.JSONSerializer as pickle.PickleSerializer":       "a JSON object in place of a pickled dict",
		"json.JSONSerializer as msgpack.MSGPackSerializer":     "a JSON object in place of a map of MessagePack",
		"pickle.PickleSerializer as json.JSONSerializer":       "a pickle in place of a JSON object",
		"pickle.PickleSerializer as msgpack.MSGPackSerializer": "a pickle in place of a map of MessagePack",
		"msgpack.MSGPackSerializer as json.JSONSerializer":     "MessagePack in place of a JSON object",
		"msgpack.MSGPackSerializer as pickle.PickleSerializer": "MessagePack in place of a pickled dict",
	} {
		if got := texts[what]; !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
}
