package rediscache_test

import (
	"encoding/base64"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pydict"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// serializers are the serializers of django-redis and of this package.
var serializers = []struct {
	python string
	ours   djsession.Serializer
}{
	{"json.JSONSerializer", rediscache.JSONSerializer{}},
	{"msgpack.MSGPackSerializer", rediscache.MessagePackSerializer{}},
	{"pickle.PickleSerializer", djsession.PickleSerializer{Protocol: 4}},
}

// For any values, each serializer writes the same bytes as django-redis's serializer, or refuses
// the values as that does.
func TestWriteAsDjangoRedis(t *testing.T) {
	for _, version := range withClients() {
		s := &site{Django: djangotest.Start(t, version, nil)}
		s.Do(t, prelude+`
import random, msgpack
from collections import OrderedDict, defaultdict, Counter
from datetime import datetime as dt, date, time as clock, timedelta, timezone as tz
from decimal import Decimal
from uuid import UUID
from django.utils.module_loading import import_string
from django.utils.safestring import mark_safe
values = [
	{}, {"a": None, "b": [True, False, 1, -1, 0, 1.0, -0.0, 1e16, 1e-5, 5e-324]},
	{"big": [2**63 - 1, 2**63, 2**64 - 1, -2**63, -33, -32, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32]},
	{"bigger": 2**64}, {"less": -2**63 - 1}, {"huge": 10**300},
	{"nan": [float("inf"), float("-inf")]},
	{"text": ["", "grüße", "\U0001f600", "\x00\x7f\u2028", '"\\/:,', "x" * 31, "x" * 32, "x" * 256, "x" * 70000]},
	{"surrogate": "\ud800"}, {"halves": "\ud83d" + "\ude00"}, {"\ud83d" + "\ude00": 1}, {"grüße: ,": {"nested, ": {"": []}}},
	{"tuple": (1, (2, ())), "bytes": 0}, {"bytes": b"\x00\xff"}, {"bytearray": bytearray(b"ab")},
	{"set": {1}}, {"frozenset": frozenset()}, {"deque": collections.deque([1])},
	{"utc": dt(2024, 2, 29, 12, 30, 15, 123456, tz.utc)}, {"utc": dt(2024, 2, 29, 12, 30, 15, 0, tz.utc)},
	{"at": dt(2024, 2, 29, 12, 30, 15, 999999, tz(timedelta(hours=-3, minutes=-30)))},
	{"naive": dt(2024, 2, 29, 12, 30, 15, 1)}, {"naive": dt(1, 1, 1)},
	{"date": date(9999, 12, 31)}, {"clock": clock(1, 2, 3)}, {"clock": clock(1, 2, 3, 4)}, {"clock": clock(1, 2, 3, 4, tz.utc)},
	{"delta": [timedelta(0), timedelta(days=-1, microseconds=1), timedelta(-1), timedelta(3, 7, 9), timedelta(hours=25), timedelta(microseconds=-1)]},
	{"decimal": [Decimal("1.50"), Decimal("1E+400"), Decimal("-0"), Decimal("NaN")], "uuid": UUID(int=5)},
	{"safe": mark_safe("<b>")}, {mark_safe("safe"): 1},
	{"ordered": OrderedDict([("b", 1), ("a", 2)])}, {"default": defaultdict(list, {"a": [1]})}, {"counter": Counter("aab")},
	OrderedDict([("b", 1), ("a", 2)]),
	{"keys": {1: "a", -2: "b"}}, {"keys": {1.5: 1}}, {"keys": {True: 1}}, {"keys": {None: 1}}, {"keys": {float("inf"): 1}},
	{"keys": {(1, 2): 1}}, {"keys": {b"a": 1}}, {"keys": {dt(2024, 1, 1): 1}},
	{"class": datetime.date}, {"object": uuid.SafeUUID.safe}, {"complex": 1j}, {"range": range(3)},
	{"shared": [[1]] * 3},
	{"stamp": msgpack.Timestamp(5, 7), "ext": 1}, {"ext": msgpack.ExtType(5, b"abc")},
	{"stamps": [msgpack.Timestamp(n, ns) for n, ns in [(0, 0), (2**32 - 1, 0), (2**32, 0), (2**34 - 1, 999999999), (2**34, 0), (-1, 5)]]},
]
def deep(n):
	value = []
	for _ in range(n - 1): value = [value]
	return {"deep": value}
values += [deep(400), deep(510)]
rnd = random.Random(4)
def some(depth):
	kind = rnd.randrange(14 if depth < 5 else 9)
	if kind < 9:
		return rnd.choice([None, True, False, rnd.randrange(-2**rnd.randrange(1, 66), 2**rnd.randrange(1, 66)), rnd.random() * 10**rnd.randrange(-20, 30),
			"".join(chr(rnd.choice([rnd.randrange(128), rnd.randrange(0x700), rnd.randrange(0x10000, 0x10500)])) for _ in range(rnd.randrange(40))),
			dt(2000, 1, 1, tzinfo=tz.utc) + timedelta(microseconds=rnd.randrange(10**15)), timedelta(microseconds=rnd.randrange(-10**12, 10**12)),
			Decimal(rnd.randrange(10**6)).scaleb(-2)])
	n = rnd.randrange(9)
	if kind < 11: return [some(depth + 1) for _ in range(n)]
	if kind < 12: return tuple(some(depth + 1) for _ in range(n))
	return {("k%d" % i if rnd.random() < 0.9 else i): some(depth + 1) for i in range(n)}
values += [{"a": some(0), "b": some(0)} for _ in range(args)]
`, djangotest.Cases(150), nil)
		var pickles []string
		s.Do(t, `result = [text(pickle.dumps(v, 4)) for v in values]`, nil, &pickles)
		for _, serializer := range serializers[:2] {
			t.Run(version+"/"+serializer.python, func(t *testing.T) {
				var want []struct{ Data, Error, Repr string }
				s.Do(t, `
					serializer = import_string("django_redis.serializers." + args)({})
					result = []
					for v in values:
						try:
							data = serializer.dumps(v)
						except Exception as e:
							result.append({"Error": repr(e)[:200]})
						else:
							result.append({"Data": text(data)})
						result[-1]["Repr"] = repr(v)[:200]
				`, serializer.python, &want)
				written := 0
				for i := range pickles {
					v, err := djsession.PickleSerializer{}.Parse(decode(t, pickles[i]))
					if err != nil {
						t.Fatal(err)
					}
					got, err := serializer.ours.Append([]byte("begin"), v)
					switch {
					case want[i].Error != "":
						if !errors.Is(err, djsession.ErrOpaque) {
							t.Errorf("%s: written as %q, %v; Python: %s", want[i].Repr, got, err, want[i].Error)
						}
						continue
					case err != nil:
						t.Errorf("%s: %v", want[i].Repr, err)
						continue
					}
					written++
					data := decode(t, want[i].Data)
					if string(got) != "begin"+string(data) {
						t.Errorf("%s: %.300q, want %.300q", want[i].Repr, got[5:], data)
					}
					again(t, serializer.ours, data, want[i].Repr)
				}
				if written < 30 {
					t.Errorf("only %d values of %d were written", written, len(pickles))
				}
			})
		}
	}
}

// again reads data that Python wrote and writes them back. It changes the session in between, so that
// the serializer does not return the bytes that it read.
func again(t *testing.T, s djsession.Serializer, data []byte, repr string) {
	t.Helper()
	v, err := s.Parse(data)
	if err != nil {
		// msgpack.dumps writes a key that is not text, but msgpack.loads does not read it.
		if strings.Contains(err.Error(), "a key that is neither text nor bytes") {
			return
		}
		t.Errorf("%s: %v", repr, err)
		return
	}
	if err := v.Set("added", 1); err != nil {
		t.Fatal(err)
	}
	v.Delete("added")
	got, err := s.Append(nil, v)
	if err != nil || string(got) != string(data) {
		t.Errorf("%s: written back as %.300q, %v, want %.300q", repr, got, err, data)
	}
}

// Data that Python would write in another form are read as Python reads them, or refused.
func TestReadAsDjangoRedis(t *testing.T) {
	s := &site{Django: djangotest.Start(t, djangotest.Newest, nil)}
	s.Do(t, prelude+"from django.utils.module_loading import import_string", nil, nil)
	for _, tt := range []struct{ serializer, data string }{
		{"json", ` {"a" : [ 1 ,2 ] } `}, {"json", `{"a":"grüße","ü":1}`}, {"json", `{"a":NaN,"b":-Infinity}`}, {"json", `{"a":1,"b":2,"a":3}`},
		{"json", `{"a":1e400,"b":-0,"c":1.0}`}, {"json", `{"a":"\ud800"}`}, {"json", `{"a":"` + "\xff" + `"}`}, {"json", "\ufeff{}"},
		{"json", `{"a":`}, {"json", `{"a":1}}`}, {"json", `[1]`}, {"json", `"text"`}, {"json", `null`}, {"json", ``}, {"json", "{\"a\":\"\x01\"}"},
		{"json", `{"a":"` + "é\x01" + `"}`}, {"json", "{\"a\":\"\u2028\x7f\"}"}, {"json", "\xc3\xa9"}, {"json", "{}\x1c"}, {"json", "\v{}"},
		{"msgpack", "\x81\xa1a\xca\x3f\xc0\x00\x00"}, {"msgpack", "\x81\xa1a\xd9\x01x"}, {"msgpack", "\xde\x00\x01\xa1a\xcd\x00\x01"}, // longer than necessary
		{"msgpack", "\x81\xa1a\xd3\x00\x00\x00\x00\x00\x00\x00\x01"}, {"msgpack", "\x81\xa1a\xc4\x02ab"}, {"msgpack", "\x81\xc4\x01a\x01"},
		{"msgpack", "\x81\x01\x02"}, {"msgpack", "\x81\xc0\x02"}, {"msgpack", "\x82\xa1a\x01\xa1a\x02"}, {"msgpack", "\x81\xa1a\xa1\xff"},
		{"msgpack", "\x81\xa1a\xd4\x05x"}, {"msgpack", "\x81\xa1a\xd4\xfbx"}, {"msgpack", "\x81\xa1a\xd6\xff\x00\x00\x00\x01"}, {"msgpack", "\x81\xa1a\xd4\xffx"},
		{"msgpack", "\x81\xa1a\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x01"}, {"msgpack", "\x81\xa1a\xc7\x00\x05"}, {"msgpack", "\x81\xa1a\xc1"},
		{"msgpack", "\x81\xa1a"}, {"msgpack", "\x80\x80"}, {"msgpack", "\x93\x01\x02\x03"}, {"msgpack", "\xc0"}, {"msgpack", ""},
		{"msgpack", "\xdf\xff\xff\xff\xff"}, {"msgpack", "\x81\xa1a\xdd\xff\xff\xff\xff"}, {"msgpack", "\x81\xa1a\xdb\xff\xff\xff\xff"},
		{"msgpack", "\x81\xa1a\xc6\xff\xff\xff\xff"}, {"msgpack", "\x81\xa1a\xc9\xff\xff\xff\xff\x05"}, {"msgpack", "\x81\xa1a\xd9\xffx"},
		{"msgpack", "\x81\xa1a" + strings.Repeat("\x91", 900) + "\x01"}, {"msgpack", "\x81\xa1a" + strings.Repeat("\x91", 5000) + "\x01"},
		{"msgpack", "\x81\xa1a" + strings.Repeat("\x91", 100000)},
	} {
		t.Run(tt.serializer+"/"+base64.RawURLEncoding.EncodeToString([]byte(tt.data[:min(len(tt.data), 20)])), func(t *testing.T) {
			class, ours := serializers[0].python, serializers[0].ours
			if tt.serializer == "msgpack" {
				class, ours = serializers[1].python, serializers[1].ours
			}
			var python struct{ Pickle, Error string }
			s.Do(t, `
				try:
					value = import_string("django_redis.serializers." + args[0])({}).loads(data(args[1]))
					assert isinstance(value, dict), "no dict"
					result = {"Pickle": text(pickle.dumps(value, 5))}
				except Exception as e:
					result = {"Error": repr(e)[:200]}
			`, []any{class, []byte(tt.data)}, &python)
			v, err := ours.Parse([]byte(tt.data))
			if python.Error != "" {
				if !errors.Is(err, djsession.ErrMalformed) {
					t.Errorf("%q: read, %v; Python: %s", tt.data, err, python.Error)
				}
				return
			}
			if err != nil {
				t.Fatalf("%q: %v", tt.data, err)
			}
			written, err := djsession.PickleSerializer{Protocol: 5}.Append(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			if same := s.repr(t, `repr(pickle.loads(data(args[0]))) == repr(pickle.loads(data(args[1])))`, []any{written, python.Pickle}); same != "True" {
				t.Errorf("%q is read as %s", tt.data, s.repr(t, `pickle.loads(data(args))`, written))
			}
		})
	}
}

// Each serializer writes Go values in its own form.
func TestGoValues(t *testing.T) {
	v := new(djsession.Values)
	for name, value := range map[string]any{"at": time.Date(2024, 2, 29, 12, 0, 0, 123456789, time.UTC)} {
		if err := v.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	got, err := rediscache.JSONSerializer{}.Append(nil, v)
	if want := `{"at": "2024-02-29T12:00:00.123Z"}`; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if got, err := (rediscache.MessagePackSerializer{}).Append(nil, v); !errors.Is(err, djsession.ErrOpaque) {
		t.Errorf("%q, %v", got, err)
	}
	if err := v.Set("at", int64(math.MaxInt64)); err != nil {
		t.Fatal(err)
	}
	if got, err := (rediscache.MessagePackSerializer{}).Append(nil, v); err != nil || string(got) != "\x81\xa2at\xcf\x7f\xff\xff\xff\xff\xff\xff\xff" {
		t.Errorf("%q, %v", got, err)
	}
}

// A format without references writes a shared object many times, up to a limit.
func TestSerializersHaveALimit(t *testing.T) {
	djangotest.NotShort(t, "it takes long to write so many bytes")
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

func FuzzMessagePack(f *testing.F) {
	f.Add([]byte("\x82\xa1a\x93\x01\xca\x00\x00\x00\x00\xc0\xa1b\xd4\x05x"))
	f.Add([]byte("\x81\xa1a\xd7\xff\x00\x00\x00\x01\x00\x00\x00\x01"))
	f.Add([]byte("\x81\xa1a\xc6\xff\xff\xff\xff"))
	f.Add([]byte("\xdf\x80\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v, err := rediscache.MessagePackSerializer{}.Parse(data)
		runtime.ReadMemStats(&after)
		// A byte may be an empty list, which is an object.
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(256<<10+500*len(data)) {
			t.Errorf("%d bytes of memory for %d", took, len(data))
		}
		if err != nil {
			if !errors.Is(err, djsession.ErrMalformed) {
				t.Error(err)
			}
			return
		}
		out, err := rediscache.MessagePackSerializer{}.Append(nil, v)
		if err != nil {
			if !errors.Is(err, djsession.ErrOpaque) { // nested too deeply to write
				t.Error(err)
			}
			return
		}
		if v, err = (rediscache.MessagePackSerializer{}).Parse(out); err != nil {
			t.Fatal(err)
		}
		if again, err := (rediscache.MessagePackSerializer{}).Append(nil, v); err != nil || string(again) != string(out) {
			t.Errorf("%q became %q, then %q, %v", data, out, again, err)
		}
	})
}

func decode(t testing.TB, text string) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
