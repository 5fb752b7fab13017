package filestore_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/fixture"
	"github.com/djsess/djsess/signing"
)

func open(t testing.TB, c filestore.Config) *filestore.Store {
	t.Helper()
	store, err := filestore.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// newStore is a store on an empty folder.
func newStore(t testing.TB) *filestore.Store {
	t.Helper()
	return open(t, filestore.Config{Dir: t.TempDir(), Settings: fixture.Settings(t, djangotest.Newest)})
}

func create(t testing.TB, store djsession.Store, key, json string) *djsession.Record {
	t.Helper()
	r, err := store.Create(t.Context(), key, fixture.Values(t, json), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// set is a change for djsession.Update.
func set(name string, value any) func(*djsession.Values) error {
	return func(v *djsession.Values) error { return v.Set(name, value) }
}

// path is a session's file.
func path(store *filestore.Store, key string) string {
	return filepath.Join(store.Dir(), "sessionid"+key)
}

// put writes a file as it is.
func put(t testing.TB, store *filestore.Store, key string, content []byte, modTime time.Time) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path(store, key), content, 0o600), os.Chtimes(path(store, key), time.Time{}, modTime)); err != nil {
		t.Fatal(err)
	}
}

// sign makes a payload.
func sign(t testing.TB, s *djsession.Settings, json string) []byte {
	t.Helper()
	codec, err := djsession.NewCodec(s)
	if err != nil {
		t.Fatal(err)
	}
	data, err := codec.Append(nil, fixture.Values(t, json))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func second(_ *djsession.Record, err error) error { return err }

// TestFiles tests what a session's file is like.
func TestFiles(t *testing.T) {
	store, ctx := newStore(t), t.Context()
	created := create(t, store, "", `{"a":1.0}`)
	if info, err := os.Lstat(path(store, created.Key)); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if loaded, err := store.Load(ctx, created.Key); err != nil || !loaded.Expires.Equal(created.Expires) || loaded.Version != created.Version {
		t.Fatalf("loaded %+v, %v; created %+v", loaded, err, created)
	}
	expires := time.Date(2131, 2, 3, 4, 5, 6, 789012999, time.UTC)
	replaced, err := store.Replace(ctx, created, nil, expires)
	if err != nil || !replaced.Expires.Equal(expires.Truncate(time.Microsecond)) {
		t.Fatalf("%+v, %v", replaced, err)
	}
	if err := store.DeleteUnchanged(ctx, replaced); err != nil {
		t.Error(err)
	}
	if err := store.Delete(ctx, create(t, store, "", `{}`).Key); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(store.Dir()); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestTakenKey tests keys whose files Django has created and not written, or that are old.
func TestTakenKey(t *testing.T) {
	store := newStore(t)
	put(t, store, "bornkey0123456789", nil, time.Now())
	put(t, store, "deadkey0123456789", sign(t, fixture.Settings(t, djangotest.Newest), `{}`), time.Unix(0, 0))
	for _, key := range []string{"bornkey0123456789", "deadkey0123456789"} {
		if _, err := store.Create(t.Context(), key, nil, time.Time{}); !errors.Is(err, djsession.ErrKeyTaken) {
			t.Errorf("%v", err)
		}
	}
}

// A session that another writer deletes or makes expire is gone.
func TestEndedMeanwhile(t *testing.T) {
	store, ctx := newStore(t), t.Context()
	for what, end := range map[string]func(key string) error{
		"deleted": func(key string) error { return os.Remove(path(store, key)) },
		"expired": func(key string) error { return os.Chtimes(path(store, key), time.Time{}, time.Unix(1, 0)) },
	} {
		key := create(t, store, "", `{"a":1}`).Key
		_, err := djsession.Update(ctx, store, key, func(v *djsession.Values) error {
			return errors.Join(end(key), v.Set("a", 2))
		})
		if !errors.Is(err, djsession.ErrSessionDeleted) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := store.Load(ctx, key); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%s: it is back: %v", what, err)
		}
	}
}

// TestInvalidKeys tests keys that mean something in a path, or that Django has no files for.
func TestInvalidKeys(t *testing.T) {
	store, ctx := newStore(t), t.Context()
	for _, key := range []string{
		"UPPERCASE", "../../etc/passwd", "/etc/passwd", "abcdefg_out_1234", "abcdefgh.", "abcdéfgh", "....................",
	} {
		for what, err := range map[string]error{
			"load":             second(store.Load(ctx, key)),
			"create":           second(store.Create(ctx, key, fixture.Values(t, `{}`), time.Time{})),
			"replace":          second(store.Replace(ctx, &djsession.Record{Key: key}, fixture.Values(t, `{}`), time.Time{})),
			"delete":           store.Delete(ctx, key),
			"delete unchanged": store.DeleteUnchanged(ctx, &djsession.Record{Key: key}),
		} {
			if !errors.Is(err, djsession.ErrInvalidKey) || errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("%s %q: %v", what, key, err)
			}
		}
	}
}

// A file that Django did not write is never loaded as an empty session and never overwritten,
// and the other sessions are still found.
func TestUntrustedFiles(t *testing.T) {
	store, ctx := newStore(t), t.Context()
	s := fixture.Settings(t, djangotest.Newest)
	old := create(t, store, "goodsession", `{"a":1}`)
	other := fixture.Settings(t, djangotest.Newest)
	other.SecretKey = "another"
	good := sign(t, s, `{"a":1}`)
	odd := map[string]struct {
		content []byte
		want    error
	}{
		"tampered":      {[]byte("e30:1:x"), djsession.ErrBadSignature},
		"anotherkey":    {sign(t, other, `{}`), djsession.ErrBadSignature},
		"truncated":     {good[:len(good)-1], djsession.ErrBadSignature},
		"withnewline":   {append(slices.Clone(good), '\n'), djsession.ErrBadSignature},
		"notascii":      {append([]byte{0xff}, good...), djsession.ErrBadSignature},
		"utf8utf8":      {[]byte("é" + string(good)), djsession.ErrBadSignature},
		"nulnulnul":     {make([]byte, 100), djsession.ErrBadSignature},
		"notanobject":   {signed(t, "[1]"), djsession.ErrMalformed},
		"invalidexpiry": {sign(t, s, `{"_session_expiry":"soon"}`), djsession.ErrInvalidExpiry},
	}
	for key, file := range odd {
		put(t, store, key, file.content, time.Now())
	}
	target := filepath.Join(t.TempDir(), "target")
	if err := errors.Join(
		os.WriteFile(target, good, 0o600),
		os.Symlink(target, path(store, "symboliclink")),
		os.Symlink("/nowhere", path(store, "danglinglink")),
		os.Mkdir(path(store, "somefolder"), 0o700),
	); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"symboliclink", "danglinglink", "somefolder"} {
		odd[key] = struct {
			content []byte
			want    error
		}{nil, djsession.ErrMalformed}
	}
	for key, file := range odd {
		old.Key = key
		for what, err := range map[string]error{
			"load":             second(store.Load(ctx, key)),
			"update":           second(djsession.Update(ctx, store, key, set("b", 2))),
			"replace":          second(store.Replace(ctx, old, fixture.Values(t, `{}`), time.Time{})),
			"delete unchanged": store.DeleteUnchanged(ctx, old),
		} {
			var payload *djsession.PayloadError
			if !errors.As(err, &payload) || !errors.Is(err, file.want) {
				t.Errorf("%s %s: %v", what, key, err)
			}
			if strings.Contains(err.Error(), key) || strings.Contains(err.Error(), store.Dir()) {
				t.Errorf("%s %s: %v", what, key, err)
			}
		}
		if file.content == nil {
			continue
		}
		if data, err := os.ReadFile(path(store, key)); err != nil || string(data) != string(file.content) {
			t.Errorf("%s: now %q, %v", key, data, err)
		}
	}
	// Names that no session has, which a scan passes by.
	for _, name := range []string{"sessionidgoodsession_out_abcdefgh", "sessionidshort", "sessionid", "other", "sessionidUPPERCASE", "sessionid" + strings.Repeat("x", 41)} {
		if err := os.WriteFile(filepath.Join(store.Dir(), name), good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, bad := scan(t, store, djsession.Range{Expired: true})
	if len(found) != 1 || found[0] != "goodsession" || len(bad) != len(odd) {
		t.Errorf("found %q, bad %q", found, bad)
	}
	if err := store.Delete(ctx, "symboliclink"); err != nil {
		t.Errorf("delete a link: %v", err)
	}
	if _, err := os.Stat(target); err != nil {
		t.Errorf("and what it leads to: %v", err)
	}
	if err := store.Delete(ctx, "somefolder"); err == nil {
		t.Error("a folder is deleted")
	}
	if err := store.Delete(ctx, "tampered"); err != nil {
		t.Errorf("delete what cannot be read: %v", err)
	}
}

// signed is a payload that need not be an object.
func signed(t testing.TB, json string) []byte {
	t.Helper()
	signer, err := signing.NewTimestampSigner(signing.Options{SecretKey: djangotest.SecretKey, Salt: "django.contrib.sessions.SessionStore"})
	if err != nil {
		t.Fatal(err)
	}
	return signer.AppendObject(nil, []byte(json), true)
}

func scan(t testing.TB, store djsession.Scanner, r djsession.Range) (found, bad []string) {
	t.Helper()
	for record, err := range store.Scan(t.Context(), r) {
		var payload *djsession.PayloadError
		switch {
		case errors.As(err, &payload) && record.Values == nil:
			bad = append(bad, record.Key)
		case err != nil:
			t.Fatal(err)
		default:
			found = append(found, record.Key)
		}
	}
	slices.Sort(found)
	slices.Sort(bad)
	return found, bad
}

// TestScan tests files that Django has not written, or has not written yet.
func TestScan(t *testing.T) {
	store := newStore(t)
	live := create(t, store, "abcdefghsession", `{}`).Key
	dead := create(t, store, "abcdeadsession", `{"_session_expiry":-5}`).Key
	put(t, store, "tampered", []byte("e30:1:x"), time.Now())
	put(t, store, "tampereddead", []byte("e30:1:x"), time.Unix(1, 0))
	put(t, store, "beingborn", nil, time.Unix(1, 0))

	found, bad := scan(t, store, djsession.Range{})
	if !slices.Equal(found, []string{live, "beingborn"}) || !slices.Equal(bad, []string{"tampered"}) {
		t.Errorf("live ones %q, bad %q", found, bad)
	}
	found, bad = scan(t, store, djsession.Range{Expired: true})
	if !slices.Equal(found, []string{dead, live, "beingborn"}) || !slices.Equal(bad, []string{"tampered", "tampereddead"}) {
		t.Errorf("all %q, bad %q", found, bad)
	}
}

func TestTooLarge(t *testing.T) {
	s := fixture.Settings(t, djangotest.Newest)
	s.MaxPayloadSize = 10_000
	store := open(t, filestore.Config{Dir: t.TempDir(), Settings: s})
	put(t, store, "longsession", make([]byte, 100_000), time.Now())
	r := create(t, store, "", `{}`)
	var payload *djsession.PayloadError
	if _, err := store.Load(t.Context(), "longsession"); !errors.As(err, &payload) || !errors.Is(err, djsession.ErrTooLarge) || !strings.Contains(err.Error(), "100000 bytes") {
		t.Errorf("load: %v", err)
	}
	v := new(djsession.Values)
	if err := v.Set("a", strings.Repeat("x", 20_000)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Replace(t.Context(), r, v, time.Time{}); !errors.Is(err, djsession.ErrTooLarge) {
		t.Errorf("replace: %v", err)
	}
	for r, err := range store.Scan(t.Context(), djsession.Range{}) {
		if (r.Key == "longsession") != errors.Is(err, djsession.ErrTooLarge) || r.Expires.Before(time.Now()) {
			t.Errorf("scan: %v, %v", r, err)
		}
	}
}

// If the folder is gone, the error is not an ErrNotFound, so no visitor is logged out.
func TestFolderThatIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sessions")
	if _, err := filestore.New(filestore.Config{Dir: dir, Settings: fixture.Settings(t, djangotest.Newest)}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	store := open(t, filestore.Config{Dir: dir, Settings: fixture.Settings(t, djangotest.Newest)})
	r := create(t, store, "", `{}`)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for op, err := range each(t.Context(), store, r) {
		if err == nil || errors.Is(err, djsession.ErrNotFound) || !strings.HasPrefix(err.Error(), "filestore: "+op) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// each runs every operation of a store on one session.
func each(ctx context.Context, store *filestore.Store, r *djsession.Record) map[string]error {
	errs := map[string]error{
		"load":                second(store.Load(ctx, r.Key)),
		"create":              second(store.Create(ctx, "", nil, time.Time{})),
		"replace":             second(store.Replace(ctx, r, nil, time.Time{})),
		"delete " + r.Key[:6]: store.DeleteUnchanged(ctx, r),
		"delete":              store.Delete(ctx, r.Key),
	}
	for _, err := range store.Scan(ctx, djsession.Range{}) {
		errs["scan"] = err
	}
	return errs
}

func TestReadOnly(t *testing.T) {
	writer := newStore(t)
	r := create(t, writer, "", `{"a":1}`)
	store := open(t, filestore.Config{Dir: writer.Dir(), Settings: fixture.Settings(t, djangotest.Newest), ReadOnly: true})
	for op, err := range each(t.Context(), store, r) {
		if reads := op == "load" || op == "scan"; reads && err != nil || !reads && !errors.Is(err, djsession.ErrReadOnly) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

func TestInvalidExpiryIsNotWritten(t *testing.T) {
	store := newStore(t)
	r := create(t, store, "", `{}`)
	for _, expiry := range []string{`"soon"`, `[1]`, `{"a":1}`, `1e300`, `NaN`, `"2131-01-01T00:00:00"`} {
		set := func(v *djsession.Values) error { return v.SetJSON("_session_expiry", expiry) }
		if _, err := djsession.Update(t.Context(), store, r.Key, set); !errors.Is(err, djsession.ErrInvalidExpiry) {
			t.Errorf("%s: %v", expiry, err)
		}
	}
	if _, err := store.Replace(t.Context(), r, r.Values, time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC)); !errors.Is(err, djsession.ErrInvalidExpiry) {
		t.Errorf("%v", err)
	}
	if after, err := store.Load(t.Context(), r.Key); err != nil || after.Version != r.Version {
		t.Errorf("it changed: %v", err)
	}
}

func TestConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]filestore.Config{
		"no settings":     {Dir: t.TempDir()},
		"a file":          {Dir: file, Settings: fixture.Settings(t, djangotest.Newest)},
		"long prefix":     {Dir: t.TempDir(), Settings: fixture.Settings(t, djangotest.Newest), Prefix: strings.Repeat("x", 203)},
		"a path's prefix": {Dir: t.TempDir(), Settings: fixture.Settings(t, djangotest.Newest), Prefix: "../x"},
	} {
		if _, err := filestore.New(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	longest := strings.Repeat("x", 202)
	store := open(t, filestore.Config{Dir: t.TempDir(), Settings: fixture.Settings(t, djangotest.Newest), Prefix: longest})
	r := create(t, store, strings.Repeat("y", 40), `{}`)
	if _, err := djsession.Update(t.Context(), store, r.Key, set("a", 1)); err != nil {
		t.Error(err)
	}
	named := fixture.Settings(t, djangotest.Newest)
	named.SessionCookieName = "sid"
	store = open(t, filestore.Config{Dir: t.TempDir(), Settings: named})
	create(t, store, "abcdefgh", `{}`)
	if _, err := os.Stat(filepath.Join(store.Dir(), "sidabcdefgh")); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"TMPDIR", "TEMP", "TMP"} {
		t.Setenv(name, "/nowhere")
	}
	t.Setenv("TMP", dir)
	if store := open(t, filestore.Config{Settings: named}); store.Dir() != dir || store.String() != "file ("+dir+")" {
		t.Errorf("by default on %s", store)
	}
}
