package ops_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// written is a copy of a database that a Django has written, and the settings of that site.
type written struct {
	path     string
	settings *djsession.Settings
}

func newWritten(t *testing.T, version string) *written {
	t.Helper()
	data, err := os.ReadFile(djangotest.Testdata(t, "django-"+version, "db.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	w := &written{path: filepath.Join(t.TempDir(), "db.sqlite3")}
	if err := os.WriteFile(w.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var meta struct {
		SecretKey string `json:"secret_key"`
		Now       float64
	}
	djangotest.Vectors(t, version, "meta")[0].Decode(t, &meta)
	if w.settings, err = djsession.NewSettings(version, meta.SecretKey); err != nil {
		t.Fatal(err)
	}
	w.settings.UseTZ = true
	now := time.Unix(int64(meta.Now), 0).Add(24 * time.Hour)
	w.settings.Now = func() time.Time { return now }
	return w
}

func (w *written) exec(t *testing.T, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// examine opens the store read-only, as the command does.
func examine(t *testing.T, url string, settings *djsession.Settings) []djsession.CheckResult {
	t.Helper()
	store, err := storeurl.OpenReadOnly(url, settings)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	return ops.Examine(t.Context(), store, ops.Examination{})
}

// wantResult is a result that must be there: its text and remedy hold these texts.
type wantResult struct {
	check  string
	status djsession.CheckStatus
	texts  []string
}

func fails(check string, texts ...string) wantResult {
	return wantResult{check, djsession.CheckFails, texts}
}

func warns(check string, texts ...string) wantResult {
	return wantResult{check, djsession.CheckWarns, texts}
}

func isOK(check string, texts ...string) wantResult {
	return wantResult{check, djsession.CheckOK, texts}
}

// wantResults checks that these results are there, and that no other check warns or fails.
func wantResults(t *testing.T, got []djsession.CheckResult, want ...wantResult) {
	t.Helper()
	found := make([]bool, len(want))
	for _, r := range got {
		expected := false
		for i, w := range want {
			if w.check != r.Check || w.status != r.Status {
				continue
			}
			has := true
			for _, text := range w.texts {
				has = has && strings.Contains(r.Text+"\n"+r.Remedy, text)
			}
			found[i], expected = found[i] || has, expected || has
		}
		bad := r.Status == djsession.CheckFails || r.Status == djsession.CheckWarns
		if bad && !expected {
			t.Errorf("%s: %s: %s\n%s", r.Status, r.Check, r.Text, r.Remedy)
		}
	}
	for i, w := range want {
		if !found[i] {
			t.Errorf("no result %+v", w)
			for _, r := range got {
				t.Logf("%s: %s: %s\n%s", r.Status, r.Check, r.Text, r.Remedy)
			}
		}
	}
}

// Each thing that can be wrong with the settings or the table is found, in databases that Djangos
// have written, and the remedy is right.
func TestExamineFindings(t *testing.T) {
	const fresh = "6.1"
	key := func(w *written, key string, fallbacks ...string) {
		w.settings.SecretKey, w.settings.SecretKeyFallbacks = key, fallbacks
	}
	const noKey = "a key that no session was signed with, long enough for Django"
	remake := func(columns string) []string {
		return []string{
			"ALTER TABLE django_session RENAME TO old", "CREATE TABLE django_session (" + columns + ")",
			"INSERT INTO django_session (session_key, session_data, expire_date) SELECT * FROM old", "CREATE INDEX i ON django_session (expire_date)",
		}
	}
	for _, tt := range []struct {
		name    string
		version string
		change  func(w *written)
		sql     []string
		query   string
		want    []wantResult
	}{
		{name: "all is well", want: []wantResult{
			isOK("store"), isOK("server", "SQLite"), isOK("index"), isOK("table"), isOK("columns"), isOK("secret key", "the site's"),
			isOK("sessions", "all of 10 live sessions"), isOK("expired", "1 of 11"), isOK("expiry"), isOK("key strength"),
		}},
		{name: "all is well in an old release", version: "2.2", want: []wantResult{isOK("secret key"), isOK("sessions")}},
		{
			name: "a wrong key", change: func(w *written) { key(w, noKey) },
			want: []wantResult{fails("secret key", "none of 10", "bad signature"), fails("sessions", "10 of 10", "none of the keys here opens them")},
		},
		{
			name: "the key is now a fallback", change: func(w *written) { key(w, noKey, w.settings.SecretKey) },
			want: []wantResult{fails("secret key", "SECRET_KEY_FALLBACKS", "put the site's SECRET_KEY first"), isOK("sessions")},
		},
		{
			name: "white space around the key", change: func(w *written) { key(w, w.settings.SecretKey+" ") },
			want: []wantResult{fails("secret key"), fails("sessions", "10 of 10 that were tried open with SECRET_KEY without the white space around it")},
		},
		{
			name: "quotes around the key", change: func(w *written) { key(w, "'"+w.settings.SecretKey+"'") },
			want: []wantResult{fails("secret key"), fails("sessions", "open with SECRET_KEY without the quotes around it")},
		},
		{
			name: "another session class", change: func(w *written) { w.settings.SessionStoreClass = "ShopSessions" },
			want: []wantResult{fails("secret key"), fails("sessions", `open with SESSION_STORE_CLASS = "SessionStore"`)},
		},
		{
			name: "an older release", version: "2.2", change: func(w *written) {
				newer, err := djsession.NewSettings("5.2", w.settings.SecretKey)
				if err != nil {
					t.Fatal(err)
				}
				newer.Now, w.settings = w.settings.Now, newer
			},
			want: []wantResult{fails("secret key"), fails("sessions", "open with the form of Django up to 3.0")},
		},
		{
			name: "a newer release, and the key a fallback", change: func(w *written) {
				older, err := djsession.NewSettings("3.0", `"`+w.settings.SecretKey+`"`)
				if err != nil {
					t.Fatal(err)
				}
				older.UseTZ, older.Now, w.settings = true, w.settings.Now, older
			},
			want: []wantResult{fails("secret key"), fails("sessions", "open with SECRET_KEY without the quotes around it and the form of Django 3.1 and later")},
		},
		{
			name: "another serializer", change: func(w *written) { w.settings.SessionSerializer = djsession.PickleSerializer{} },
			want: []wantResult{fails("secret key"), fails("sessions", "a JSON object in place of a pickled dict", `10 of 10 that were tried open with SESSION_SERIALIZER = "json"`)},
		},
		{
			name: "another serializer and an older form", version: "2.2", change: func(w *written) {
				newer, err := djsession.NewSettings("5.2", w.settings.SecretKey)
				if err != nil {
					t.Fatal(err)
				}
				newer.SessionSerializer = djsession.PickleSerializer{}
				newer.Now, w.settings = w.settings.Now, newer
			},
			want: []wantResult{fails("secret key"), fails("sessions", `the form of Django up to 3.0 (DJANGO_VERSION, or DEFAULT_HASHING_ALGORITHM) and SESSION_SERIALIZER = "json"`)},
		},
		{
			name: "some are damaged", sql: []string{"UPDATE django_session SET session_data = 'damaged' WHERE session_key LIKE 'x%'"},
			want: []wantResult{isOK("secret key"), warns("sessions", "of 10 live sessions cannot be read", "bad signature")},
		},
		{
			name: "a wrong time zone", change: func(w *written) { w.settings.UseTZ, w.settings.TimeZone = false, "Asia/Tokyo" },
			want: []wantResult{fails("expiry", "9h0m0s too early", "USE_TZ, TIME_ZONE")},
		},
		{
			name: "a wrong time zone in the west", change: func(w *written) { w.settings.UseTZ, w.settings.TimeZone = false, "America/Chicago" },
			want: []wantResult{fails("expiry", "h0m0s too late", "USE_TZ, TIME_ZONE")},
		},
		{name: "a weak key", change: func(w *written) { key(w, w.settings.SecretKey, "short") }, want: []wantResult{warns("key strength", "key 1 of SECRET_KEY_FALLBACKS", "fewer than 50", "W025")}},
		{
			name: "a weak key that nobody can change unnoticed", version: "3.2", change: func(w *written) { w.settings.SecretKey = "short" },
			want: []wantResult{fails("secret key", ""), fails("sessions", ""), warns("key strength", "W009", "logs all users out")},
		},
		{name: "no index", sql: []string{"DROP INDEX django_session_expire_date_a5c62663"}, want: []wantResult{warns("index", "no index", "CREATE INDEX")}},
		{name: "no such table", query: "?table=sessions", want: []wantResult{fails("store", `no such table "sessions"`, "manage.py migrate")}},
		{
			name: "a column of the site's own", sql: []string{"ALTER TABLE django_session ADD user_id integer NULL"},
			want: []wantResult{warns("columns", `"user_id" is not described`)},
		},
		{
			name: "a column that takes no NULL", sql: remake("session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date datetime NOT NULL, site integer NOT NULL DEFAULT 1"),
		},
		{
			name: "a column that needs a value", sql: []string{"DELETE FROM django_session", "DROP TABLE django_session", "CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date datetime NOT NULL, site integer NOT NULL)", "CREATE INDEX i ON django_session (expire_date)"},
			want: []wantResult{fails("columns", `"site" takes no NULL`), warns("sessions", "no live session")},
		},
		{
			name: "no primary key", sql: remake("session_key varchar(40), session_data text NOT NULL, expire_date datetime NOT NULL"),
			want: []wantResult{fails("table", "two sessions could have one key")},
		},
		{
			name: "mostly expired", sql: []string{"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO django_session SELECT 'deaddead' || i, 'x', '2020-01-01 00:00:00' FROM n"},
			want: []wantResult{warns("expired", "201 of 211", "clear-expired")},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.version == "" {
				tt.version = fresh
			}
			w := newWritten(t, tt.version)
			if tt.change != nil {
				tt.change(w)
			}
			w.exec(t, tt.sql...)
			wantResults(t, examine(t, "sqlite:///"+filepath.ToSlash(w.path)+tt.query, w.settings), tt.want...)
		})
	}
}

// The rules of Django's checks security.W009 and W025.
func TestExamineKeyStrength(t *testing.T) {
	w := newWritten(t, "6.1")
	for key, want := range map[string]string{
		strings.Repeat("abcde", 10):               "",
		strings.Repeat("abcde", 10)[1:]:           "fewer than 50 characters",
		strings.Repeat("abcd", 20):                "fewer than 5 different characters",
		"django-insecure-" + w.settings.SecretKey: "django-insecure-",
		strings.Repeat("żółćę", 10):               "",
	} {
		w.settings.SecretKey = key
		for _, r := range examine(t, "sqlite:///"+filepath.ToSlash(w.path), w.settings) {
			if r.Check != "key strength" {
				continue
			}
			if (r.Status == djsession.CheckOK) != (want == "") || !strings.Contains(r.Text, want) {
				t.Errorf("%d characters: %s: %s", len(key), r.Status, r.Text)
			}
		}
	}
}

// The flags of the session cookie are those of the site's settings file.
func TestExamineCookies(t *testing.T) {
	w := newWritten(t, "6.1")
	w.settings.DefaultsConfirmed, w.settings.SessionCookieSecure = true, true
	for _, tt := range []struct {
		change func(s *djsession.Settings)
		want   wantResult
	}{
		{func(*djsession.Settings) {}, isOK("cookies")},
		{func(s *djsession.Settings) { s.DefaultsConfirmed = false }, wantResult{"cookies", djsession.CheckSkipped, []string{"djsess settings"}}},
		{func(s *djsession.Settings) { s.SessionCookieSecure = false }, warns("cookies", "SESSION_COOKIE_SECURE is off")},
		{func(s *djsession.Settings) { s.SessionCookieHTTPOnly = false }, warns("cookies", "SESSION_COOKIE_HTTPONLY")},
		{func(s *djsession.Settings) { s.SessionCookieSecure, s.SessionCookieSameSite = false, "None" }, warns("cookies", "browsers refuse")},
		{func(s *djsession.Settings) { s.SessionCookieSecure, s.SessionCookieName = false, "__Secure-id" }, warns("cookies", "browsers refuse")},
		{func(s *djsession.Settings) { s.SessionCookieName, s.SessionCookieDomain = "__Host-id", "example.com" }, warns("cookies", "browsers refuse")},
	} {
		s := *w.settings
		tt.change(&s)
		wantResults(t, examine(t, "sqlite:///"+filepath.ToSlash(w.path), &s), tt.want)
	}
}

// Examine writes nothing, and its results hold no secret and no whole key.
func TestExamineTellsNoSecrets(t *testing.T) {
	w := newWritten(t, "6.1")
	right := w.settings.SecretKey
	w.settings.SecretKey, w.settings.SecretKeyFallbacks = "a wrong key", []string{"another wrong key"}
	before, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	results := examine(t, "sqlite:///"+filepath.ToSlash(w.path), w.settings)
	if after, err := os.ReadFile(w.path); err != nil || string(after) != string(before) {
		t.Errorf("the file was changed: %v", err)
	}
	var keys []string
	for _, v := range djangotest.Vectors(t, "6.1", "row") {
		var row struct{ Key string }
		v.Decode(t, &row)
		keys = append(keys, row.Key)
	}
	for _, r := range results {
		for _, secret := range append(keys, right, "a wrong key", "another wrong key") {
			if strings.Contains(r.Text+r.Remedy, secret) {
				t.Errorf("%s tells a secret: %s %s", r.Check, r.Text, r.Remedy)
			}
		}
	}
}

// A healthy site and its faults, on each engine, with sessions and logins of a real Django.
func TestExamineDjango(t *testing.T) {
	djangotest.NotShort(t, "TestExamineFindings has what Djangos wrote")
	for _, name := range []string{"SQLite", "PostgreSQL", "MariaDB", "file", "RedisCache", "DatabaseCache", "cached_db"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, engineOf(t, name), djangotest.Newest, nil)
			s.read(t, s.make(t, false, 30))
			want := map[string][]wantResult{
				"SQLite":        {isOK("server"), isOK("index"), isOK("table"), isOK("columns"), isOK("expiry"), isOK("secret key")},
				"PostgreSQL":    {isOK("server", "PostgreSQL"), isOK("pooler", "no pooler"), isOK("clock"), isOK("index"), isOK("table"), isOK("columns"), isOK("expiry"), isOK("secret key")},
				"MariaDB":       {isOK("server", "MariaDB"), isOK("clock"), isOK("index"), isOK("table"), isOK("columns"), isOK("expiry"), isOK("secret key")},
				"file":          {isOK("folder"), isOK("secret key")},
				"RedisCache":    {isOK("server", "it is "), isOK("clock"), warns("restart", "keeps nothing on disk", "CONFIG REWRITE"), isOK("shared"), isOK("eviction")},
				"DatabaseCache": {isOK("server", "SQLite"), isOK("index"), isOK("shared"), warns("eviction", "MAX_ENTRIES is 100000")},
				"cached_db":     {isOK("cache"), isOK("index"), isOK("table"), isOK("columns"), isOK("expiry"), isOK("secret key")},
			}[name]
			want = append(want, isOK("sessions", "all of 30 live sessions"), isOK("key strength").ifChecked(name))
			wantResults(t, s.examine(t), want...)
			s.examineFaults(t, name)
		})
	}
}

// ifChecked: caches sign nothing, so their key is not checked. Their sessions say nothing of it.
func (w wantResult) ifChecked(engine string) wantResult {
	if engine == "RedisCache" || engine == "DatabaseCache" {
		w.status = djsession.CheckSkipped
	}
	// The key of these tests is not as long as Django asks.
	if w.status == djsession.CheckOK {
		return warns("key strength", "fewer than 50")
	}
	return w
}

func (s *site) examine(t *testing.T) []djsession.CheckResult {
	t.Helper()
	return ops.Examine(t.Context(), s.store, ops.Examination{})
}

// examineFaults makes faults that only this engine can have.
func (s *site) examineFaults(t *testing.T, engine string) {
	t.Helper()
	results := func() map[string]djsession.CheckResult {
		byCheck := map[string]djsession.CheckResult{}
		for _, r := range s.examine(t) {
			byCheck[r.Check] = r
		}
		return byCheck
	}
	is := func(check string, status djsession.CheckStatus, text string) {
		t.Helper()
		if r := results()[check]; r.Status != status || !strings.Contains(r.Text+r.Remedy, text) {
			t.Errorf("%s: %s: %s %s; want %s, %s", check, r.Status, r.Text, r.Remedy, status, text)
		}
	}
	switch engine {
	case "PostgreSQL", "MariaDB":
		sqlStore := s.store.(djsession.SQLStore)
		run := func(statement string) {
			t.Helper()
			if _, err := sqlStore.DB().ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		own := s.settings.Now
		s.reopen(t, func(settings *djsession.Settings) {
			settings.Now = func() time.Time { return own().Add(-time.Hour) }
		})
		is("clock", djsession.CheckWarns, "ahead of")
		s.reopen(t, func(settings *djsession.Settings) {})
		index := "DROP INDEX django_session_expire_date_a5c62663"
		kind, key := "ALTER TABLE django_session ALTER expire_date TYPE timestamp", "ALTER TABLE django_session DROP CONSTRAINT django_session_pkey"
		if engine == "MariaDB" {
			index, kind, key = index+" ON django_session", "ALTER TABLE django_session MODIFY expire_date timestamp NOT NULL", "ALTER TABLE django_session DROP PRIMARY KEY"
			s.reopen(t, func(settings *djsession.Settings) { settings.UseTZ, settings.TimeZone = false, "Asia/Tokyo" })
			is("expiry", djsession.CheckFails, "9h0m0s too early")
			s.reopen(t, func(settings *djsession.Settings) {})
		}
		run(index)
		is("index", djsession.CheckWarns, "CREATE INDEX")
		run(key)
		is("table", djsession.CheckFails, "two sessions could have one key")
		run(kind)
		is("table", djsession.CheckFails, `is of the type "timestamp`)
		run("DROP TABLE django_session")
		is("store", djsession.CheckFails, "no such table")
	case "RedisCache":
		s.Do(t, `
			from django.core.cache import cache
			cache.set("page", "x")
		`, nil, nil)
		is("shared", djsession.CheckWarns, "1 of 31 keys")
	case "DatabaseCache":
		s.Do(t, `
			from django.core.cache import cache
			cache.set("page", "x")
		`, nil, nil)
		is("shared", djsession.CheckWarns, "1 of 31 rows")
	case "SQLite":
		users, err := djauth.UsersIn(s.store, djauth.UserModel{})
		if err != nil {
			t.Fatal(err)
		}
		auth, err := djauth.New(users)
		if err != nil {
			t.Fatal(err)
		}
		wantResults(t, ops.Examine(t.Context(), s.store, ops.Examination{Auth: auth}), isOK("users"), warns("key strength"))
		s.Do(t, `User.objects.all().delete()`, nil, nil)
		wantResults(t, ops.Examine(t.Context(), s.store, ops.Examination{Auth: auth}), fails("users", "its user does not exist"), warns("key strength"))
	}
}

// reopen opens the store with changed settings.
func (s *site) reopen(t *testing.T, change func(*djsession.Settings)) {
	t.Helper()
	settings := *s.settings
	change(&settings)
	store, err := storeurl.Open(s.storeURL, &settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s.store = store
}

// A Redis that evicts, one that keeps its keys on disk, one that refuses to say, and servers that
// are down.
func TestExamineServers(t *testing.T) {
	djangotest.NotShort(t, "several servers")
	settings, err := djsession.NewSettings("5.2", djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	redis := djangotest.RedisWith(t, djangotest.RedisOptions{MaxMemory: "50mb", Config: []string{"maxmemory-policy allkeys-lru", "appendonly yes"}})
	noSessions := warns("sessions", "no live session")
	wantResults(t, examine(t, redis.URL, settings), warns("eviction", "allkeys-lru"), isOK("restart", "appends every write"), noSessions)
	redis.Do(t, "CONFIG", "SET", "appendonly", "no", "maxmemory-policy", "noeviction", "save", "60 1")
	wantResults(t, examine(t, redis.URL, settings), isOK("eviction"), isOK("restart", "snapshots (save 60 1)"), noSessions)
	redis.Do(t, "SET", ":1:django.contrib.sessions.cache"+djsession.NewKey(), `{"a":1}`, "EX", "1000")
	wantResults(t, examine(t, redis.URL, settings), fails("sessions", "1 of 1", "a JSON object", "site's CACHES"))
	wantResults(t, examine(t, redis.URL+"?serializer=json", settings), isOK("sessions"), isOK("shared"))
	wantResults(t, examine(t, redis.URL+"?serializer=json&prefix=other", settings), noSessions, warns("shared", "1 of 1 keys", "takes the sessions along"))
	redis.Do(t, "FLUSHDB")
	redis.Do(t, "ACL", "SETUSER", "limited", "on", ">pw", "~*", "+getrange", "+exists", "+scan", "+get")
	skipped := func(check string) wantResult { return wantResult{check, djsession.CheckSkipped, []string{"NOPERM"}} }
	limited := strings.Replace(redis.URL, "redis://", "redis://limited:pw@", 1)
	wantResults(t, examine(t, limited, settings), skipped("server"), skipped("clock"), skipped("restart"), skipped("eviction"), noSessions)
	redis.Stop(t)
	wantResults(t, examine(t, redis.URL, settings), fails("store", "refused"))

	memcached := djangotest.Memcached(t, 2)
	memcachedURL := "memcached://" + strings.Join(memcached.Addrs(), ",")
	wantResults(t, examine(t, memcachedURL, settings), isOK("server", "2 servers"), warns("eviction"), warns("restart", "nothing on disk"))
	memcached[1].Stop(t)
	results := examine(t, memcachedURL, settings)
	if !hasFailed(results, "server") && !hasFailed(results, "store") && !hasFailed(results, "cache") { // by the server of the key that it asks for
		t.Errorf("one of two servers is down: %+v", results)
	}
}

func hasFailed(results []djsession.CheckResult, check string) bool {
	for _, r := range results {
		if r.Check == check && r.Status == djsession.CheckFails {
			return true
		}
	}
	return false
}

// A PgBouncer is seen in transaction mode, and in session mode.
func TestExaminePooler(t *testing.T) {
	djangotest.NotShort(t, "PostgreSQL and PgBouncer")
	settings, err := djsession.NewSettings("5.2", strings.Repeat(djangotest.SecretKey, 2))
	if err != nil {
		t.Fatal(err)
	}
	db := djangotest.Postgres(t)
	direct, err := storeurl.Open(db.URL, settings)
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	if err := direct.(interface {
		CreateTable(ctx context.Context) error
	}).CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[string]string{"transaction": "a pooler in transaction mode", "session": "a pooler in session mode or a proxy"} {
		through := djangotest.PgBouncer(t, "pool_mode = "+mode).Through(t, db)
		for range 3 {
			wantResults(t, examine(t, through.URL, settings), isOK("pooler", want), warns("sessions", "no live session"))
		}
		readWrite, err := storeurl.Open(through.URL, settings)
		if err != nil {
			t.Fatal(err)
		}
		wantResults(t, ops.Examine(t.Context(), readWrite, ops.Examination{}), isOK("pooler", want), warns("sessions"))
		readWrite.Close()
	}
	statements := djangotest.PgBouncer(t, "pool_mode = statement").Through(t, db)
	wantResults(t, examine(t, statements.URL, settings), fails("store", "statement mode"))
	wantResults(t, examine(t, db.URL, settings), isOK("pooler", "no pooler"), warns("sessions"))
	if socket := strings.ReplaceAll(db.Socket, "/", "%2F"); socket != "" {
		url := strings.Replace(db.URL, "127.0.0.1", socket, 1)
		wantResults(t, examine(t, url, settings), isOK("pooler", "no pooler"), warns("sessions"))
	}
}
