package djsession_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/pytype"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// inPython is a value in Python, and what Go makes of it.
type inPython struct {
	code  string // makes the value
	value any    // what Get returns for an any; nil and no text shown if the value is opaque
	shown string // by AppendShown
	json  bool   // json.dumps accepts it
}

var (
	warsaw   = time.FixedZone("", 2*3600)
	noonPlus = time.Date(2031, 7, 2, 12, 0, 0, 1000, warsaw)
)

var inPythons = map[string]inPython{
	"none":   {"None", nil, "null", true},
	"bool":   {"True", true, "true", true},
	"int":    {"-7", int64(-7), "-7", true},
	"big":    {"2**200", new(big.Int).Lsh(big.NewInt(1), 200), "1606938044258990275541962092341162602522202993782792835301376", true},
	"float":  {"1.0", 1.0, "1.0", true},
	"text":   {`"z\u0142 \U0001f600\x00"`, "zł 😀\x00", `"z\u0142 \ud83d\ude00\u0000"`, true},
	"half":   {`"\ud800"`, "\xed\xa0\x80", `"\ud800"`, true},
	"halves": {`"a\ud83d" + "\ude00\U0001f600"`, "a\xed\xa0\xbd\xed\xb8\x80😀", `"a\ud83d\ude00\ud83d\ude00"`, true}, // four characters
	"in halves": {`["\ud83d" + "\ude00", {"\ud83d" + "\ude00": 1}]`, []any{"\xed\xa0\xbd\xed\xb8\x80", map[string]any{"\xed\xa0\xbd\xed\xb8\x80": int64(1)}},
		`["\ud83d\ude00",{"\ud83d\ude00":1}]`, true},
	"safe":     {`mark_safe("<b>")`, "<b>", `"<b>"`, true},
	"list":     {"[1, [2.5], 'x']", []any{int64(1), []any{2.5}, "x"}, `[1,[2.5],"x"]`, true},
	"dict":     {"{'z': 1, 'a': {}}", map[string]any{"z": int64(1), "a": map[string]any{}}, `{"z":1,"a":{}}`, true},
	"ints":     {"{1: 'a', 2.5: 'b', None: 'c', True: 'd'}", map[string]any{"1": "d", "2.5": "b", "null": "c"}, `{"1":"d","2.5":"b","null":"c"}`, true},
	"default":  {"collections.defaultdict(list, a=[1])", map[string]any{"a": []any{int64(1)}}, `{"a":[1]}`, true},
	"counter":  {"collections.Counter('abb')", map[string]any{"a": int64(1), "b": int64(2)}, `{"a":1,"b":2}`, true},
	"tuple":    {"(1, ('x',), ())", pytype.Tuple{int64(1), pytype.Tuple{"x"}, pytype.Tuple{}}, `[1,["x"],[]]`, true},
	"bytes":    {`b"\x00\xff"`, []byte{0, 255}, `"AP8="`, false},
	"array":    {`bytearray(b"ab")`, pytype.ByteArray("ab"), `"YWI="`, false},
	"set":      {"{3}", pytype.Set{int64(3)}, "[3]", false},
	"frozen":   {"frozenset([(1, 2)])", pytype.FrozenSet{pytype.Tuple{int64(1), int64(2)}}, "[[1,2]]", false},
	"deque":    {"collections.deque([1, 2], 5)", []any{int64(1), int64(2)}, "[1,2]", false},
	"aware":    {"datetime.datetime(2031, 7, 2, 12, 0, 0, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))", noonPlus, `"2031-07-02T12:00:00.000001+02:00"`, false},
	"utc":      {"datetime.datetime(2031, 7, 2, 10, tzinfo=datetime.timezone.utc)", time.Date(2031, 7, 2, 10, 0, 0, 0, time.UTC), `"2031-07-02T10:00:00+00:00"`, false},
	"django":   {"datetime.datetime(2031, 7, 2, 10, tzinfo=utc)", time.Date(2031, 7, 2, 10, 0, 0, 0, time.UTC), `"2031-07-02T10:00:00+00:00"`, false},
	"fixed":    {"datetime.datetime(2031, 7, 2, 10, tzinfo=timezone.get_fixed_timezone(-90))", time.Date(2031, 7, 2, 10, 0, 0, 0, time.FixedZone("", -5400)), `"2031-07-02T10:00:00-01:30"`, false},
	"zoneinfo": {"datetime.datetime(2031, 7, 2, 12, 0, 0, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Warsaw'))", noonPlus, `"2031-07-02T12:00:00.000001+02:00"`, false},
	"fold": {"datetime.datetime(2031, 10, 26, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo('Europe/Warsaw'))",
		time.Date(2031, 10, 26, 2, 30, 0, 0, time.FixedZone("", 3600)), `"2031-10-26T02:30:00+01:00"`, false},
	"naive":     {"datetime.datetime(2031, 7, 2, 12)", pytype.NaiveTime(time.Date(2031, 7, 2, 12, 0, 0, 0, time.UTC)), `"2031-07-02T12:00:00"`, false},
	"date":      {"datetime.date(1, 2, 28)", pytype.Date{Year: 1, Month: 2, Day: 28}, `"0001-02-28"`, false},
	"time":      {"datetime.time(23, 59, 58, 7)", pytype.TimeOfDay{Hour: 23, Minute: 59, Second: 58, Microsecond: 7, Offset: ""}, `"23:59:58.000007"`, false},
	"timezoned": {"datetime.time(1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=-2)))", pytype.TimeOfDay{Hour: 1, Minute: 2, Second: 0, Microsecond: 0, Offset: "-02:00"}, `"01:02:00-02:00"`, false},
	"delta":     {"datetime.timedelta(days=-1, seconds=5, microseconds=6)", -24*time.Hour + 5*time.Second + 6*time.Microsecond, `"-1 day, 0:00:05.000006"`, false},
	"ages":      {"datetime.timedelta(days=999999999)", pytype.Timedelta{Days: 999999999, Seconds: 0, Microseconds: 0}, `"999999999 days, 0:00:00"`, false},
	"decimal":   {"decimal.Decimal('-1.10E+30')", pytype.Decimal("-1.10E+30"), `"-1.10E+30"`, false},
	"uuid": {"uuid.UUID('12345678-9abc-def0-1234-56789abcdef0')", pytype.UUID{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0},
		`"12345678-9abc-def0-1234-56789abcdef0"`, false},
	"instance": {"Cart([1])", nil, `"peer.Cart(\u2026)"`, false},
	"model":    {"User(username='ann')", nil, `"auth.User(\u2026)"`, false},
	"class":    {"Cart", nil, `"peer.Cart"`, false},
	"function": {"len", nil, `"len"`, false},
	"enum":     {"Color.RED", nil, `"peer.Color(\u2026)"`, false},
	"inside":   {"[{'a': Cart(2)}]", nil, `[{"a":"peer.Cart(\u2026)"}]`, false},
	"itself":   {"itself", nil, `[1,{"again":"\u2026"}]`, false},
}

// pythonValues defines what the codes of inPythons use.
const pythonValues = `
	import collections, decimal, enum, pickle, sys, uuid
	try:
		import zoneinfo
	except ImportError:
		zoneinfo = None
	from django.utils.safestring import mark_safe
	utc = getattr(timezone, "utc", datetime.timezone.utc)
	peer = types = __import__("types").ModuleType("peer")
	sys.modules["peer"] = peer
	class Cart:
		def __init__(self, items):
			self.items = items
		def __eq__(self, other):
			return type(other) is Cart and other.items == self.items
		__hash__ = None
	class Color(enum.Enum):
		RED = 1
	peer.Cart, peer.Color = Cart, Color
	itself = [1]
	itself.append({"again": itself})

	def same(a, b):
		"""Whether two values are of the same types and equal, keys in order, and instances too."""
		if a is b:
			return True
		if type(a) is not type(b):
			return False
		if a is itself or b is itself or isinstance(a, list) and len(a) == 2 and isinstance(a[1], dict) and "again" in a[1]:
			return a[0] == b[0] == 1 and a[1]["again"] is a and b[1]["again"] is b
		if isinstance(a, dict):
			return [repr(k) for k in a] == [repr(k) for k in b] and all(same(x, y) for x, y in zip(a.values(), b.values()))
		if isinstance(a, (list, tuple, collections.deque)):
			return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
		if isinstance(a, User):
			return a.username == b.username
		if isinstance(a, (datetime.datetime, datetime.time)):
			return a == b and a.utcoffset() == b.utcoffset() and getattr(a.tzinfo, "key", 0) == getattr(b.tzinfo, "key", 0) and a.fold == b.fold
		return a == b
`

func sortedNames[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Go reads values that Django wrote as types of Go and pytype, in every protocol. A value that Go
// has no type for is equal in Python after Go has written another key.
func TestPickledTypesFromDjango(t *testing.T) {
	onPickles(t, func(t *testing.T, site *engineSite) {
		django := site.django
		django.Do(t, pythonValues, nil, nil)
		codes := map[string]string{}
		for name, v := range inPythons {
			codes[name] = v.code
		}
		for protocol := range 6 {
			var key string
			var kept []string
			django.Do(t, `
				from django.contrib.sessions import serializers
				class Serializer(serializers.PickleSerializer):
					def dumps(self, obj):
						return pickle.dumps(obj, args["protocol"])
				original = {}
				for name in sorted(args["codes"]):
					code = args["codes"][name]
					if "zoneinfo" in code and not zoneinfo:
						continue
					if name == "safe" and args["protocol"] < 2:
						continue  # Django's SafeString recurses for ever there.
					if name == "fold" and args["protocol"] < 4:
						continue  # Python itself forgets it there.
					original[name] = eval(code)
				original["shared"] = [original["instance"], original["list"]]
				s = SessionStore()
				s.serializer = Serializer
				for name in original:
					s[name] = original[name]
				s[5] = "an int for a key"
				s.save()
				result = {"Key": s.session_key, "Names": list(original)}
				kept, result = result["Names"], result["Key"]
			`, map[string]any{"codes": codes, "protocol": protocol}, &key)
			django.Do(t, `result = kept`, nil, &kept)
			record, err := site.golang.store.Load(t.Context(), key)
			if err != nil {
				t.Errorf("protocol %d: %v", protocol, err)
				continue
			}
			for _, name := range kept {
				if name != "shared" {
					checkInGo(t, fmt.Sprintf("protocol %d: %s", protocol, name), record.Values, name)
				}
			}
			record, err = djsession.Update(t.Context(), site.golang.store, key,
				edit.All(edit.Set("new", pytype.Tuple{1}), edit.Delete("bool"), addTo("dict", 1.0), addTo("default", 5), addTo("counter", 5)))
			if err != nil {
				t.Errorf("protocol %d: %v", protocol, err)
				continue
			}
			var wrong []string
			django.Do(t, `
				s = SessionStore(args)
				result = [name for name in original if name not in ("bool", "dict", "default", "counter") and not same(original[name], s[name])]
				if s["new"] != (1,) or s[5] != "an int for a key" or "bool" in s or list(s["dict"]) != ["z", "a", "more"]:
					result.append("what Go changed: %r" % s["dict"])
				if s["default"]["nothing"] != [] or s["default"]["more"] != 5 or type(s["counter"]) is not collections.Counter or s["counter"]["more"] != 5:
					result.append("dicts of a class: %r %r" % (s["default"], s["counter"]))
				if s["shared"][0] is not s["instance"] or s["shared"][1] is not s["list"]:
					result.append("sharing")
				if list(s.keys()) != [n for n in list(original) if n != "bool"] + [5, "new"]:
					result.append("order: %r" % list(s.keys()))
			`, record.Key, &wrong)
			if len(wrong) > 0 {
				t.Errorf("protocol %d: after a write by Go, Python finds different: %s", protocol, wrong)
			}
		}
	})
}

// addTo changes a dict, which keeps its class.
func addTo(name string, more any) edit.Change {
	return func(v *djsession.Values) error {
		dict, err := djsession.GetOr(v, name, djsession.Values{})
		return errors.Join(err, dict.Set("more", more), v.Set(name, dict))
	}
}

func checkInGo(t *testing.T, what string, v *djsession.Values, name string) {
	t.Helper()
	want := inPythons[name]
	var got any
	err := v.Get(name, &got)
	opaque := want.value == nil && name != "none"
	if errors.Is(err, djsession.ErrOpaque) != opaque || err != nil && !opaque {
		t.Errorf("%s: %#v, %v", what, got, err)
	}
	if at, ok := want.value.(time.Time); ok {
		got, _ := got.(time.Time)
		if got.Format(time.RFC3339Nano) != at.Format(time.RFC3339Nano) {
			t.Errorf("%s is %v, want %v", what, got, at)
		}
	} else if !reflect.DeepEqual(got, want.value) {
		t.Errorf("%s is %#v, want %#v", what, got, want.value)
	}
	shown, _ := v.Raw(name)
	if shown != want.shown {
		t.Errorf("%s is shown as %s, want %s", what, shown, want.shown)
	}
	one := v.Clone()
	for _, other := range slices.Collect(v.Names()) {
		if other != name {
			one.Delete(other)
		}
	}
	if _, err := one.AppendPythonJSON(nil); errors.Is(err, djsession.ErrOpaque) == want.json || err != nil && want.json {
		t.Errorf("%s to JSON: %v", what, err)
	}
	if opaque && !strings.Contains(err.Error(), "peer.Cart") && name == "instance" {
		t.Errorf("%s: %v", what, err)
	}
}

// Django reads values that Go set as plain Python types.
func TestPickledTypesFromGo(t *testing.T) {
	values := map[string]struct {
		value any
		repr  string
	}{
		"none":    {nil, "None"},
		"int":     {int8(-7), "-7"},
		"big":     {new(big.Int).Lsh(big.NewInt(1), 100), "1267650600228229401496703205376"},
		"float":   {1.0, "1.0"},
		"text":    {"zł 😀\x00\xed\xa0\x80", `'zł 😀\x00\ud800'`},
		"halves":  {"\xed\xa0\xbd\xed\xb8\x80😀", `'\ud83d\ude00😀'`},
		"keys":    {map[string]any{"\xed\xa0\xbd\xed\xb8\x80": []string{"\xed\xa0\xbd\xed\xb8\x80", "😀"}}, `{'\ud83d\ude00': ['\ud83d\ude00', '😀']}`},
		"list":    {[]any{1, []float64{2.5}, "x"}, "[1, [2.5], 'x']"},
		"map":     {map[string]any{"z": 1, "a": nil}, "{'a': None, 'z': 1}"},
		"ints":    {map[int]string{10: "b", 9: "a"}, "{10: 'b', 9: 'a'}"},
		"struct":  {struct{ At pytype.Date }{pytype.Date{Year: 2031, Month: 2, Day: 3}}, "{'At': datetime.date(2031, 2, 3)}"},
		"bytes":   {[]byte{0, 255}, `b'\x00\xff'`},
		"array":   {pytype.ByteArray("ab"), "bytearray(b'ab')"},
		"tuple":   {pytype.Tuple{1, pytype.Tuple{}}, "(1, ())"},
		"set":     {pytype.Set{3}, "{3}"},
		"empty":   {pytype.Set{}, "set()"},
		"frozen":  {pytype.FrozenSet{pytype.Tuple{"x"}}, "frozenset({('x',)})"},
		"utc":     {noonPlus.UTC(), "datetime.datetime(2031, 7, 2, 10, 0, 0, 1, tzinfo=datetime.timezone.utc)"},
		"aware":   {&noonPlus, "datetime.datetime(2031, 7, 2, 12, 0, 0, 1, tzinfo=datetime.timezone(datetime.timedelta(seconds=7200)))"},
		"naive":   {pytype.NaiveTimeOf(noonPlus, warsaw), "datetime.datetime(2031, 7, 2, 12, 0, 0, 1)"},
		"time":    {pytype.TimeOfDay{Hour: 1, Offset: "-02:00"}, "datetime.time(1, 0, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=79200)))"},
		"delta":   {-time.Second, "datetime.timedelta(days=-1, seconds=86399)"},
		"ages":    {pytype.Timedelta{Days: 999999999}, "datetime.timedelta(days=999999999)"},
		"decimal": {pytype.Decimal("1.10"), "Decimal('1.10')"},
		"uuid":    {pytype.UUID{15: 5}, "UUID('00000000-0000-0000-0000-000000000005')"},
		"times":   {[]time.Time{noonPlus.UTC()}, "[datetime.datetime(2031, 7, 2, 10, 0, 0, 1, tzinfo=datetime.timezone.utc)]"},
		"nested":  {fixture.Values(t, `{"b":1.0,"a":NaN}`), "{'b': 1.0, 'a': nan}"},
	}
	onPickles(t, func(t *testing.T, site *engineSite) {
		ordered := sortedNames(values)
		set := func(ctx context.Context, g *goSide, s *djsession.Session) error {
			var errs []error
			for _, name := range ordered {
				errs = append(errs, s.Set(name, values[name].value))
			}
			return errors.Join(errs...)
		}
		key := site.golang.do(t, "", action{"set", "", set}, nothing)
		for range 2 { // the second time with the values that were read
			var reprs map[string]string
			site.django.Do(t, `result = {name: repr(value) for name, value in SessionStore(args).items()}`, key, &reprs)
			for name, v := range values {
				if reprs[name] != v.repr {
					t.Errorf("%s: Python has %s, want %s", name, reprs[name], v.repr)
				}
			}
			key = site.golang.do(t, key, action{"set", "", set}, nothing)
		}
	})
}

// Before Django 4.1 an instant is a datetime, which is aware if USE_TZ is on.
func TestPickledExpiry(t *testing.T) {
	for _, version := range djangotest.OldestAndNewest(pickleVersions...) {
		for _, useTZ := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", version, useTZ), func(t *testing.T) {
				t.Parallel()
				db := djangotest.SQLite(t)
				django := djangotest.Start(t, version, djangotest.Settings{
					"DATABASES": db.Settings(), "SESSION_SERIALIZER": pickleSerializer, "USE_TZ": useTZ, "TIME_ZONE": "Europe/Warsaw",
				})
				django.Do(t, `migrate()`, nil, nil)
				settings, err := djsession.NewSettings(version, djangotest.SecretKey)
				if err != nil {
					t.Fatal(err)
				}
				settings.SessionSerializer, settings.UseTZ, settings.TimeZone = djsession.PickleSerializer{}, useTZ, "Europe/Warsaw"
				store, err := storeurl.Open(db.URL, settings)
				if err != nil {
					t.Fatal(err)
				}
				m := newManager(t, store, settings)

				at := time.Date(time.Now().Year()+1, 7, 2, 10, 0, 0, 7000, time.UTC)
				var key string
				django.Do(t, `
					def micros(at):
						if timezone.is_naive(at):
							at = timezone.make_aware(at, timezone.get_default_timezone())
						d = at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
						return (d.days * 86400 + d.seconds) * 10**6 + d.microseconds
					at = datetime.datetime(args, 7, 2, 10, 0, 0, 7, tzinfo=datetime.timezone.utc)
					s = SessionStore()
					s.set_expiry(at if settings.USE_TZ else timezone.make_naive(at))
					s.save()
					result = s.session_key
				`, at.Year(), &key)
				for range 2 {
					r, err := djsession.Update(t.Context(), store, key, edit.Set("a", 1))
					if err != nil || !r.Expires.Equal(at) {
						t.Errorf("ends %v, %v", r, err)
					}
					var seen, row int64
					django.Do(t, `result = micros(SessionStore(args).get_expiry_date())`, key, &seen)
					django.Do(t, `result = micros(Session.objects.get(session_key=args).expire_date)`, key, &row)
					if seen != at.UnixMicro() || row != seen {
						t.Errorf("in Django it ends %v, its row %v", time.UnixMicro(seen).UTC(), time.UnixMicro(row).UTC())
					}
					// The same expiry as Go writes it.
					w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
						if err := s.SetExpiry(djsession.At(at.Add(time.Hour))); err != nil {
							t.Error(err)
						}
					})
					if w.Code != 200 {
						t.Error(w.Code)
					}
					at = at.Add(time.Hour)
				}
			})
		}
	}
}
