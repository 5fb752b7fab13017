package ops_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/benchratio"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// exportedLine is a line of an export, for encoding/json.
type exportedLine struct {
	Key     string          `json:"key"`
	Expires time.Time       `json:"expires"`
	Values  json.RawMessage `json:"values"`
}

// bareExport is the floor of Export: the same rows read by bare statements, decoded, and written as lines with a checksum into a zstd file.
func bareExport(b *testing.B, url string, settings *djsession.Settings, path string) {
	b.Helper()
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	compressed, err := zstd.NewWriter(file, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.New()
	var mu sync.Mutex
	asJSON := func(dst []byte, v *djsession.Values) ([]byte, error) { return v.AppendPythonJSON(dst) }
	floor(b, url, settings, asJSON, func() func(keys []string, payloads [][]byte, expires []time.Time) error {
		return func(keys []string, payloads [][]byte, expires []time.Time) error {
			var lines []byte
			for i, key := range keys {
				lines = append(append(lines, `{"key":"`...), key...)
				lines = expires[i].UTC().AppendFormat(append(lines, `","expires":"`...), time.RFC3339Nano)
				lines = append(append(append(lines, `","values":`...), payloads[i]...), "}\n"...)
			}
			mu.Lock()
			defer mu.Unlock()
			sum.Write(lines)
			_, err := compressed.Write(lines)
			return err
		}
	})
	if _, err := compressed.Write(append(hex.AppendEncode(nil, sum.Sum(nil)), '\n')); err != nil {
		b.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		b.Fatal(err)
	}
}

// bareImport is the floor of Import: the lines of a zstd file read once, parsed by encoding/json, encoded and inserted by bare
// statements of many rows, by as many workers as there are processors.
func bareImport(b *testing.B, path string, db *sql.DB, settings *djsession.Settings) {
	b.Helper()
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	plain, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	defer plain.Close()
	encode := encoder(b, settings)
	pages := make(chan [][]byte)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		write := bulkInsert(db, func(i int) string { return fmt.Sprintf("$%d", i) })
		all.Go(func() {
			for page := range pages {
				var keys []string
				var payloads [][]byte
				var expires []time.Time
				for _, text := range page {
					var line exportedLine
					if err := json.Unmarshal(text, &line); err != nil {
						b.Error(err)
						continue
					}
					v := new(djsession.Values)
					err := v.UnmarshalPythonJSON(string(line.Values))
					var payload []byte
					if err == nil {
						payload, err = encode(nil, v)
					}
					if err != nil {
						b.Error(err)
					}
					keys, payloads, expires = append(keys, line.Key), append(payloads, payload), append(expires, line.Expires)
				}
				if err := write(keys, payloads, expires); err != nil {
					b.Error(err)
				}
			}
		})
	}
	sum := sha256.New()
	lines := bufio.NewReaderSize(plain, 1<<16)
	for page := [][]byte(nil); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			b.Fatal(err)
		}
		sum.Write(line)
		if bytes.HasPrefix(line, []byte(`{"key":`)) {
			page = append(page, line)
		}
		if len(page) == 500 || err == io.EOF && len(page) > 0 {
			pages <- page
			page = nil
		}
		if err == io.EOF {
			break
		}
	}
	close(pages)
	all.Wait()
}

// exportByDjango exports at most 100,000 sessions as a script in the site would, imports them, and returns the microseconds that each takes.
func exportByDjango(b *testing.B, django *djangotest.Django, path string) (export, imported float64) {
	b.Helper()
	var each [2]float64
	django.Do(b, `
		import json, time
		start, n = time.monotonic(), 0
		with open(args["path"], "w") as out:
			for s in Session.objects.filter(expire_date__gt=timezone.now())[:100000].iterator():
				out.write(json.dumps({"key": s.session_key, "expires": s.expire_date.isoformat(), "values": s.get_decoded()}) + "\n")
				n += 1
		result = [(time.monotonic() - start) * 1e6 / n]
		Session.objects.all().delete()
		start, page, encode = time.monotonic(), [], SessionStore().encode
		with open(args["path"]) as lines:
			for line in lines:
				s = json.loads(line)
				page.append(Session(session_key=s["key"], session_data=encode(s["values"]), expire_date=s["expires"]))
				if len(page) == 500:
					Session.objects.bulk_create(page)
					page = []
		Session.objects.bulk_create(page)
		result.append((time.monotonic() - start) * 1e6 / n)
	`, map[string]string{"path": path}, &each)
	return each[0], each[1]
}

// BenchmarkExport compares Export from PostgreSQL and Import into it with their floors, and with a script in Django.
func BenchmarkExport(b *testing.B) {
	source, settings, django := postgresSite(b, nil)
	store, err := storeurl.Open(source.URL, settings)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	db, err := sql.Open("postgres", source.URL+"?sslmode=disable")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	empty := func() {
		if _, err := db.Exec("TRUNCATE django_session"); err != nil {
			b.Fatal(err)
		}
	}
	type measured struct{ bare, ours time.Duration }
	for _, n := range benchratio.Sizes(b) {
		seed(b, source.URL, settings, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			folder := b.TempDir()
			bareFile, ourFile := filepath.Join(folder, "bare.jsonl.zst"), filepath.Join(folder, "ours.jsonl.zst")
			for range b.N {
				var out, in measured
				start := time.Now()
				bareExport(b, source.URL, settings, bareFile)
				out.bare = time.Since(start)

				file, err := os.Create(ourFile)
				if err != nil {
					b.Fatal(err)
				}
				start = time.Now()
				exported, err := ops.Export(context.Background(), file, store, ops.ExportOptions{Zstd: true})
				out.ours = time.Since(start)
				if err != nil || exported.Exported < int64(n)*8/10 {
					b.Fatalf("%+v, %v", exported, err)
				}

				empty()
				start = time.Now()
				bareImport(b, bareFile, db, settings)
				in.bare = time.Since(start)

				empty()
				if _, err := file.Seek(0, io.SeekStart); err != nil {
					b.Fatal(err)
				}
				start = time.Now()
				imported, err := ops.Import(context.Background(), file, store, ops.ImportOptions{})
				in.ours = time.Since(start)
				if err != nil || imported.Inserted < exported.Exported*99/100 { // some may have expired meanwhile
					b.Fatalf("%+v, %v", imported, err)
				}
				file.Close()

				djangoExport, djangoImport := exportByDjango(b, django, filepath.Join(folder, "django.jsonl"))
				b.ReportMetric(0, "ns/op")
				for _, m := range []struct {
					name string
					measured
					django float64
				}{{"export", out, djangoExport}, {"import", in, djangoImport}} {
					each := float64(m.ours.Microseconds()) / float64(exported.Exported)
					b.ReportMetric(float64(m.bare.Microseconds())/float64(exported.Exported), m.name+"-floor-µs/session")
					b.ReportMetric(each, m.name+"-ours-µs/session")
					b.ReportMetric(float64(m.ours)/float64(m.bare), m.name+"-x-floor")
					b.ReportMetric(m.django/each, m.name+"-times-faster-than-Django")
				}
			}
		})
	}
}
