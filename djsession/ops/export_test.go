package ops_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cookiestore"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
)

var exportedAt = time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)

// memoryStore returns an empty store. For it, it is always exportedAt.
func memoryStore(t testing.TB, serializer djsession.Serializer) *djsessiontest.Store {
	t.Helper()
	settings, err := djsession.NewSettings("4.2", "the SECRET_KEY of the test")
	if err != nil {
		t.Fatal(err)
	}
	settings.Now = func() time.Time { return exportedAt }
	settings.SessionSerializer = serializer
	return djsessiontest.NewStore(settings)
}

// store stores a session of a serializer's data.
func store(t testing.TB, s djsession.Store, key, data string, expires time.Time) {
	t.Helper()
	var serializer djsession.Serializer = djsession.JSONSerializer{}
	if s := s.Settings().SessionSerializer; s != nil {
		serializer = s
	}
	v, err := serializer.Parse([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), key, v, expires); err != nil {
		t.Fatal(err)
	}
}

// stored returns the data of a session as a serializer writes it.
func stored(t *testing.T, s djsession.Store, key string) string {
	t.Helper()
	r, err := s.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	var serializer djsession.Serializer = djsession.JSONSerializer{}
	if s := s.Settings().SessionSerializer; s != nil {
		serializer = s
	}
	data, err := serializer.Append(nil, r.Values)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func export(t testing.TB, s djsession.Store, options ops.ExportOptions) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := ops.Export(t.Context(), &b, s, options); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func count(t testing.TB, s djsession.Store) (n int) {
	t.Helper()
	for _, err := range s.(djsession.Scanner).Scan(t.Context(), djsession.Range{Expired: true}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

const (
	plainData = `{"_auth_user_id":"7","price":1.50,"big":123456789012345678901234567890,"half":"\ud800","a":1e400}`
	oddData   = "{\"caf\xe9\" : [NaN, -Infinity],\n\"x\":1,\"x\":2}"
	// shared is {"a": x, "b": x} with one list x, which only a pickle can say, beside an instance of a class of the site's own.
	shared = "\x80\x04}\x94(\x8c\x01a\x94]\x94K\x01a\x8c\x01b\x94h\x02\x8c\x01c\x94\x8c\x06site.m\x8c\x04Cart\x93)\x81}\x8c\x01nK\x05sbu."
)

func threeSessions(t testing.TB) *djsessiontest.Store {
	s := memoryStore(t, nil)
	store(t, s, "aaaaaaaaaaaaaaaa", plainData, exportedAt.Add(time.Hour))
	store(t, s, "bbbbbbbbbbbbbbbb", oddData, djsession.Never)
	store(t, s, "cccccccccccccccc", `{}`, exportedAt.Add(1500*time.Microsecond))
	return s
}

// sealed puts the checksum into an export.
func sealed(text string) string {
	head, tail, _ := strings.Cut(text, "CHECKSUM")
	sum := sha256.Sum256([]byte(head))
	return head + hex.EncodeToString(sum[:]) + tail
}

// The format is a promise: this djsess, and every later one, reads what this test holds.
const threeExported = `{"format":"djsess export","version":1,"made":"2031-02-03T04:05:06Z","django":"4.2","engine":"db","whole":true}
{"key":"aaaaaaaaaaaaaaaa","expires":"2031-02-03T05:05:06.000000Z","values":` + plainData + `}
{"key":"bbbbbbbbbbbbbbbb","expires":null,"values":{"caf\u00e9":["NaN","-Infinity"],"x":1,"x":2},"json":"eyJjYWbpIiA6IFtOYU4sIC1JbmZpbml0eV0sCiJ4IjoxLCJ4IjoyfQ=="}
{"key":"cccccccccccccccc","expires":"2031-02-03T04:05:06.001500Z","values":{}}
{"sessions":3,"left_out":0,"sha256":"CHECKSUM"}
`

func TestExportFormat(t *testing.T) {
	got := export(t, threeSessions(t), ops.ExportOptions{Job: ops.Job{Workers: 1}, Engine: "db"})
	if want := sealed(threeExported); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for line := range strings.Lines(got) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

// What was stored as JSON comes back byte for byte.
func TestImportGivesBackJSON(t *testing.T) {
	target := memoryStore(t, nil)
	report, err := ops.Import(t.Context(), strings.NewReader(sealed(threeExported)), target, ops.ImportOptions{})
	if err != nil || *report != (ops.ImportReport{Read: 3, Inserted: 3}) {
		t.Fatalf("%+v, %v", report, err)
	}
	for key, want := range map[string]string{"aaaaaaaaaaaaaaaa": plainData, "bbbbbbbbbbbbbbbb": oddData, "cccccccccccccccc": "{}"} {
		if got := stored(t, target, key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if again := export(t, target, ops.ExportOptions{Job: ops.Job{Workers: 1}, Engine: "db"}); again != sealed(threeExported) {
		t.Errorf("exported again:\n%s", again)
	}
}

// What was pickled comes back byte for byte, and its readable form is beside it.
func TestImportGivesBackPickles(t *testing.T) {
	source, target := memoryStore(t, djsession.PickleSerializer{}), memoryStore(t, djsession.PickleSerializer{})
	const key = "pppppppppppppppp"
	store(t, source, key, shared, exportedAt.Add(time.Hour))
	text := export(t, source, ops.ExportOptions{})
	if want := `"values":{"a":[1],"b":[1],"c":"site.m.Cart(\u2026)"},"pickle":"gAR9`; !strings.Contains(text, want) {
		t.Errorf("no %s in\n%s", want, text)
	}
	if _, err := ops.Import(t.Context(), strings.NewReader(text), target, ops.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, target, key); got != shared {
		t.Errorf("got %q, want %q", got, shared)
	}
}

// A pickle goes into a store of JSON as in a migration.
func TestImportPickleAsJSON(t *testing.T) {
	source := memoryStore(t, djsession.PickleSerializer{})
	store(t, source, "pppppppppppppppp", shared, exportedAt.Add(time.Hour))
	store(t, source, "qqqqqqqqqqqqqqqq", "\x80\x04}\x8c\x01n\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01s.", exportedAt.Add(time.Hour))
	text := export(t, source, ops.ExportOptions{})
	target := memoryStore(t, nil)
	_, err := ops.Import(t.Context(), strings.NewReader(text), target, ops.ImportOptions{})
	if lost := (*ops.LostValueError)(nil); !errors.As(err, &lost) || lost.Name != "c" {
		t.Errorf("error %v", err)
	}
	report, err := ops.Import(t.Context(), strings.NewReader(text), target, ops.ImportOptions{OnLoss: ops.SkipOnLoss})
	if err != nil || report.Lossy != 1 || report.Inserted+report.Kept != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	for key, want := range map[string]string{"pppppppppppppppp": `{"a":[1],"b":[1]}`, "qqqqqqqqqqqqqqqq": `{"n":18446744073709551616}`} {
		if got := stored(t, target, key); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

// An export of one user, of a shard, and one beside sessions that cannot be read.
func TestExportSome(t *testing.T) {
	s := threeSessions(t)
	theirs := func(v *djsession.Values) bool { return v.GetString("_auth_user_id") == "7" }
	text := export(t, s, ops.ExportOptions{Only: theirs})
	if !strings.Contains(text, `"whole":false`) || strings.Count(text, "\n") != 3 || !strings.Contains(text, `"key":"aaaaaaaaaaaaaaaa"`) {
		t.Errorf("of a user:\n%s", text)
	}
	sessions := 0
	for shard := 1; shard <= 2; shard++ {
		text := export(t, s, ops.ExportOptions{Job: ops.Job{Shard: shard, Shards: 2}})
		sessions += strings.Count(text, `{"key":`)
		if !strings.Contains(text, `"whole":false`) {
			t.Errorf("shard %d:\n%s", shard, text)
		}
	}
	if sessions != 3 {
		t.Errorf("two shards have %d sessions", sessions)
	}
	if text := export(t, s, ops.ExportOptions{Job: ops.Job{DryRun: true}}); text != "" {
		t.Errorf("a dry run has written %s", text)
	}

	found := 0
	job := ops.Job{Found: func(f ops.Finding) { found++ }}
	report, err := ops.Export(t.Context(), io.Discard, damaged{s}, ops.ExportOptions{Job: job})
	if err != nil || *report != (ops.ExportReport{Read: 4, Unreadable: 1, Exported: 3}) || found != 1 {
		t.Errorf("%+v, %v, %d findings", report, err, found)
	}
	if text := export(t, damaged{s}, ops.ExportOptions{}); !strings.Contains(text, `{"sessions":3,"left_out":1,`) {
		t.Errorf("left out:\n%s", text)
	}
	job.StopAtUnreadable = true
	var b bytes.Buffer
	if _, err := ops.Export(t.Context(), &b, damaged{s}, ops.ExportOptions{Job: job}); !errors.Is(err, djsession.ErrBadSignature) {
		t.Errorf("error %v", err)
	}
	if _, err := ops.Import(t.Context(), &b, memoryStore(t, nil), ops.ImportOptions{}); err == nil {
		t.Error("an export that has stopped was imported")
	}
	b.Reset()
	if report, err := ops.Export(t.Context(), &b, otherKey{s}, ops.ExportOptions{}); !errors.Is(err, djsession.ErrBadSignature) || *report != (ops.ExportReport{}) || b.Len() > 0 {
		t.Errorf("a wrong SECRET_KEY: %+v, %v, %d bytes", report, err, b.Len())
	}
}

// An export that is interrupted is none.
func TestExportInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	var b bytes.Buffer
	_, err := ops.Export(ctx, &b, threeSessions(t), ops.ExportOptions{Job: ops.Job{Workers: 1}, Only: func(*djsession.Values) bool {
		interrupt()
		return true
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := ops.Import(t.Context(), &b, memoryStore(t, nil), ops.ImportOptions{}); err == nil {
		t.Error("it was imported")
	}
}

// damaged is a store with a session that cannot be read.
type damaged struct{ *djsessiontest.Store }

func (d damaged) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		bad := &djsession.Record{Key: "xxxxxxxxxxxxxxxx", Expires: djsession.Never}
		if r.Part == 0 && !yield(bad, &djsession.PayloadError{Err: djsession.ErrBadSignature}) {
			return
		}
		for record, err := range d.Store.Scan(ctx, r) {
			if !yield(record, err) {
				return
			}
		}
	}
}

// A cache in files has only hashes of the keys.
func TestExportWithoutKeys(t *testing.T) {
	s := newFileCache(t)
	store(t, s, djsession.NewKey(), `{"a":1}`, time.Time{})
	var b bytes.Buffer
	if _, err := ops.Export(t.Context(), &b, s, ops.ExportOptions{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error %v", err)
	}
	if _, err := ops.Export(t.Context(), &b, newCookieStore(t), ops.ExportOptions{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("signed cookies: error %v", err)
	}
}

func newFileCache(t *testing.T) djsession.Store {
	s, err := storeurl.Open("filecache:///"+filepath.ToSlash(t.TempDir()), memoryStore(t, nil).Settings())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newCookieStore(t *testing.T) djsession.Store {
	s, err := cookiestore.New(memoryStore(t, nil).Settings())
	if err != nil {
		t.Fatal(err)
	}
	return s
}
