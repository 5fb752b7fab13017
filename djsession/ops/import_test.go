package ops_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/ops"
)

// refused imports a text, which must be refused before anything is written.
func refused(t *testing.T, name, text string) error {
	t.Helper()
	target := memoryStore(t, nil)
	_, err := ops.Import(t.Context(), strings.NewReader(text), target, ops.ImportOptions{})
	if err == nil {
		t.Errorf("%s: it was imported", name)
	}
	if n := count(t, target); n > 0 {
		t.Errorf("%s: %d sessions were inserted", name, n)
	}
	return err
}

// An export that was cut off, or changed in any byte, is refused.
func TestImportRefusesDamage(t *testing.T) {
	plain := sealed(threeExported)
	packed := export(t, threeSessions(t), ops.ExportOptions{Zstd: true})
	for name, whole := range map[string]string{"plain": plain, "zstd": packed} {
		t.Run(name, func(t *testing.T) {
			for n := range len(whole) {
				err := refused(t, "truncated", whole[:n])
				if name == "plain" && n > 20 && !errors.Is(err, ops.ErrExportTruncated) && !errors.Is(err, ops.ErrExportEdited) {
					t.Errorf("the first %d bytes: %v", n, err)
				}
				edited := []byte(whole)
				edited[n] ^= 1
				target := memoryStore(t, nil)
				_, err = ops.Import(t.Context(), strings.NewReader(string(edited)), target, ops.ImportOptions{})
				switch {
				case err == nil && name == "plain":
					t.Errorf("byte %d was changed, and it was imported", n)
				case err == nil: // a byte that decompresses to the same, such as one of the frame's own checksum flags
					if again := export(t, target, ops.ExportOptions{Job: ops.Job{Workers: 1}}); again != export(t, threeSessions(t), ops.ExportOptions{Job: ops.Job{Workers: 1}}) {
						t.Errorf("byte %d was changed, and other sessions were imported", n)
					}
				case count(t, target) > 0:
					t.Errorf("byte %d was changed, and sessions were inserted", n)
				case name == "zstd" && n > 10 && !errors.Is(err, ops.ErrExportEdited) && !errors.Is(err, ops.ErrExportTruncated): // behind zstd's header
					t.Errorf("byte %d was changed: %v", n, err)
				}
			}
		})
	}
}

func TestImportRefuses(t *testing.T) {
	whole := sealed(threeExported)
	header, rest, _ := strings.Cut(whole, "\n")
	lines := strings.SplitAfter(threeExported, "\n")
	long := strings.Repeat("x", 4096)
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", ops.ErrNoExport},
		{"something else", "INSERT INTO django_session VALUES (1);\n", ops.ErrNoExport},
		{"other JSON", "{}\n", ops.ErrNoExport},
		{"a first line without an end", long + long, ops.ErrNoExport},
		{"no first line", rest, ops.ErrNoExport},
		{"a header only", header + "\n", ops.ErrExportTruncated},
		{"a newer version", sealed(strings.Replace(threeExported, `"version":1`, `"version":2`, 1)), ops.ErrExportVersion},
		{"no version", sealed(strings.Replace(threeExported, `"version":1,`, "", 1)), ops.ErrNoExport},
		{"the last line is missing", whole[:strings.Index(whole, `{"sessions"`)], ops.ErrExportTruncated},
		{"a line is missing", lines[0] + lines[1] + lines[2] + whole[strings.Index(whole, `{"sessions"`):], ops.ErrExportEdited},
		{"a wrong count", sealed(strings.Replace(threeExported, `"sessions":3`, `"sessions":2`, 1)), ops.ErrExportEdited},
		{"a count in another spelling", sealed(strings.Replace(threeExported, `"sessions":3`, `"sessions":3.0`, 1)), ops.ErrExportEdited},
		{"two exports", whole + whole, ops.ErrExportEdited},
		{"a line after the end", whole + "\n", ops.ErrExportEdited},
		{"lines that end as on Windows", strings.ReplaceAll(whole, "\n", "\r\n"), ops.ErrExportEdited},
		{"an unknown member", sealed(strings.Replace(threeExported, `"values":{}`, `"values":{},"x":1`, 1)), ops.ErrExportEdited},
		{"two payloads", sealed(strings.Replace(threeExported, `"values":{}`, `"values":{},"json":"e30=","pickle":"gAR9Lg=="`, 1)), ops.ErrExportEdited},
		{"no key", sealed(strings.Replace(threeExported, `"key":"cccccccccccccccc",`, "", 1)), ops.ErrExportEdited},
		{"a key that is none", sealed(strings.Replace(threeExported, `cccccccccccccccc`, `ccc`, 1)), ops.ErrExportEdited},
		{"a key with NUL", sealed(strings.Replace(threeExported, `cccccccccccccccc`, `cccccccc\u0000`, 1)), ops.ErrExportEdited},
		{"no expiry", sealed(strings.Replace(threeExported, `"expires":null,`, "", 1)), ops.ErrExportEdited},
		{"an expiry in another zone", sealed(strings.Replace(threeExported, `06.001500Z`, `06.001500+01:00`, 1)), ops.ErrExportEdited},
		{"an expiry of other digits", sealed(strings.Replace(threeExported, `06.001500Z`, `06.0015Z`, 1)), ops.ErrExportEdited},
		{"UTF-8", sealed(strings.Replace(threeExported, `"values":{}`, `"values":{"é":1}`, 1)), ops.ErrExportEdited},
		{"no JSON", sealed(strings.Replace(threeExported, `"values":{}`, `"values":{`, 1)), ops.ErrExportEdited},
	} {
		if err := refused(t, c.name, c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
}

// A session whose values are no values is passed over, as one of a store is.
func TestImportBadPayloads(t *testing.T) {
	for name, values := range map[string]string{
		"no object":         `[1]`,
		"no base64":         `{},"json":"e30"`,
		"base64 over lines": `{},"json":"e3\n0="`,
		"no JSON":           `null,"json":"e31="`,
		"no pickle":         `{},"pickle":"gAR9"`,
		"a pickled list":    `[],"pickle":"gARdLg=="`,
		"a payload of null": `{},"json":null`,
	} {
		text := sealed(strings.Replace(threeExported, `"values":{}`, `"values":`+values, 1))
		var found error
		target := memoryStore(t, nil)
		report, err := ops.Import(t.Context(), strings.NewReader(text), target, ops.ImportOptions{Job: ops.Job{Found: func(f ops.Finding) { found = f.Err }}})
		var payload *djsession.PayloadError
		if err != nil || *report != (ops.ImportReport{Read: 3, Inserted: 2, Unreadable: 1}) || !errors.As(found, &payload) || !errors.Is(found, djsession.ErrMalformed) {
			t.Errorf("%s: %+v, %v, found %v", name, report, err, found)
		}
		_, err = ops.Import(t.Context(), strings.NewReader(text), target, ops.ImportOptions{Job: ops.Job{StopAtUnreadable: true}})
		if !errors.As(err, &payload) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A session that is larger than MAX_PAYLOAD_SIZE allows is passed over, and a line without an end does not fill the memory.
func TestImportTooLarge(t *testing.T) {
	source := memoryStore(t, nil)
	store(t, source, "llllllllllllllll", `{"a":"`+strings.Repeat("x", 2000)+`"}`, djsession.Never)
	small := func() *djsessiontest.Store {
		settings := source.Settings()
		settings.MaxPayloadSize = 1000
		return djsessiontest.NewStore(settings)
	}
	report, err := ops.Import(t.Context(), strings.NewReader(export(t, source, ops.ExportOptions{})), small(), ops.ImportOptions{})
	if err != nil || report.Unreadable != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	header, _, _ := strings.Cut(threeExported, "\n")
	endless := &repeated{text: header + "\n" + `{"key":"`}
	_, err = ops.Import(t.Context(), io.LimitReader(endless, 100<<20), small(), ops.ImportOptions{})
	if !errors.Is(err, ops.ErrExportEdited) || !errors.Is(err, djsession.ErrTooLarge) {
		t.Errorf("error %v", err)
	}
}

// repeated is a text, and then x without an end.
type repeated struct{ text string }

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.text)
	r.text = r.text[n:]
	for i := n; i < len(p); i++ {
		p[i] = 'x'
	}
	return len(p), nil
}

// A compressed export may not ask for more memory than zstd's usual window.
func TestImportBoundsWindow(t *testing.T) {
	var b strings.Builder
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	io.CopyN(w, &repeated{text: sealed(threeExported)}, 65<<20)
	w.Close()
	if err := refused(t, "a large window", b.String()); !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		t.Errorf("error %v", err)
	}
}

// What is there is kept, and what has expired since is left out. A pipe is as good as a file.
func TestImportAgain(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	target := memoryStore(t, nil)
	store(t, target, "aaaaaaaaaaaaaaaa", `{"a":"newer"}`, exportedAt.Add(time.Minute))
	text := sealed(strings.Replace(threeExported, "04:05:06.001500", "04:05:06.000000", 1))
	rehearsed, err := ops.Import(t.Context(), strings.NewReader(text), target, ops.ImportOptions{Job: ops.Job{DryRun: true}})
	if err != nil || *rehearsed != (ops.ImportReport{Read: 3, Expired: 1, Inserted: 1, Kept: 1}) || count(t, target) != 1 {
		t.Errorf("dry run: %+v, %v", rehearsed, err)
	}
	for i, want := range []ops.ImportReport{{Read: 3, Expired: 1, Inserted: 1, Kept: 1}, {Read: 3, Expired: 1, Kept: 2}} {
		report, err := ops.Import(t.Context(), io.MultiReader(strings.NewReader(text)), target, ops.ImportOptions{})
		if err != nil || *report != want {
			t.Errorf("run %d: %+v, %v", i, report, err)
		}
	}
	if got := stored(t, target, "aaaaaaaaaaaaaaaa"); got != `{"a":"newer"}` {
		t.Errorf("the newer session is now %s", got)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Each shard imports its own sessions.
func TestImportShards(t *testing.T) {
	source, target := memoryStore(t, nil), memoryStore(t, nil)
	for range 300 {
		store(t, source, djsession.NewKey(), plainData, djsession.Never)
	}
	text := export(t, source, ops.ExportOptions{Zstd: true})
	for shard := 1; shard <= 3; shard++ {
		report, err := ops.Import(t.Context(), strings.NewReader(text), target, ops.ImportOptions{Job: ops.Job{Shard: shard, Shards: 3, Workers: 4}})
		if err != nil || report.Inserted != report.Read || report.Read == 0 || report.Read == 300 {
			t.Errorf("shard %d: %+v, %v", shard, report, err)
		}
	}
	if n := count(t, target); n != 300 {
		t.Errorf("%d sessions", n)
	}
}

// Nothing is written into a store that is not the site's, or that drops sessions.
func TestImportChecksTarget(t *testing.T) {
	text := sealed(threeExported)
	for name, c := range map[string]struct {
		target djsession.Store
		want   error
	}{
		"a wrong SECRET_KEY":  {otherKey{threeSessions(t)}, djsession.ErrBadSignature},
		"a store that evicts": {evicts{memoryStore(t, nil)}, ops.ErrEvicts},
		"signed cookies":      {newCookieStore(t), errors.ErrUnsupported},
	} {
		report, err := ops.Import(t.Context(), strings.NewReader(text), c.target, ops.ImportOptions{})
		if !errors.Is(err, c.want) || *report != (ops.ImportReport{}) {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
	forced := evicts{memoryStore(t, nil)}
	if report, err := ops.Import(t.Context(), strings.NewReader(text), forced, ops.ImportOptions{Force: true}); err != nil || report.Inserted != 3 {
		t.Errorf("forced: %+v, %v", report, err)
	}
}

// otherKey is a store none of whose sessions opens.
type otherKey struct{ *djsessiontest.Store }

func (o otherKey) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		for record := range o.Store.Scan(ctx, r) {
			if !yield(&djsession.Record{Key: record.Key}, &djsession.PayloadError{Err: djsession.ErrBadSignature}) {
				return
			}
		}
	}
}

type evicts struct{ *djsessiontest.Store }

func (evicts) Evicts(context.Context) (string, error) { return "it is small", nil }

// An import from a pipe in which nothing comes ends with its context, as when a user presses Ctrl-C.
func TestImportFromSilentPipe(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		io.WriteString(out, `{"format":`)
		cancel()
	}()
	target := memory(t)
	if _, err := ops.Import(ctx, in, target, ops.ImportOptions{}); !errors.Is(err, context.Canceled) || count(t, target) != 0 {
		t.Errorf("%v", err)
	}
}
