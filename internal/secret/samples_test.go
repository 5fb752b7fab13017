package secret_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/cookiestore"
	"github.com/djsess/djsess/djsession/dbcache"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/filecache"
	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/djsession/memcache"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/pytype"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/djsession/storetest"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/signing"
)

// samples are pointers to values of every exported type, with secrets in them.
func samples(t *testing.T) []any {
	s := settings(t, "5.2")
	values := values(t)
	record := &djsession.Record{Key: sessionKey, Values: values, Version: "stored " + value, Expires: time.Now()}
	item := &cachestore.Item{Data: []byte(value), Version: value}
	options := signing.Options{SecretKey: secretKey, SecretKeyFallbacks: []string{fallbackKey}}
	files := must(filestore.New(filestore.Config{Dir: t.TempDir(), Settings: s}))(t)
	if _, err := files.Create(t.Context(), sessionKey, values, time.Time{}); err != nil {
		t.Fatal(err)
	}
	manager := must(djsession.NewManager(files))(t)
	manager.AcceptEmptyStore = true
	db := must(sql.Open("sqlite", ":memory:"))(t)
	t.Cleanup(func() { db.Close() })
	rows := must(dbstore.New(db, dbstore.Config{Dialect: dbstore.SQLite, Settings: s}))(t)
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", Username: "u", Password: password})
	redisConfig := rediscache.Config{Writer: client, Readers: []redis.UniversalClient{client}}
	redisCache := must(rediscache.New(redisConfig))(t)
	t.Cleanup(func() { redisCache.Close() })
	memcacheConfig := memcache.Config{Servers: []string{"127.0.0.1:1"}}
	dbcacheConfig := dbcache.Config{DB: db, Dialect: dbstore.SQLite, Table: "t", Settings: s}
	filecacheConfig := filecache.Config{Dir: t.TempDir(), Settings: s}
	users := must(djauth.UsersIn(rows, djauth.UserModel{}))(t)

	return []any{
		s, record, values, manager,
		session(t, manager, sessionKey), session(t, manager, "unknown0"+sessionKey),
		&djsession.Event{Kind: djsession.EventLoad, Session: djsession.ShortKey(sessionKey), Err: &djsession.ConflictError{Current: record}},
		&djsession.ConflictError{Current: record}, new(djsession.Phase),
		&djsession.PayloadError{Err: fmt.Errorf("load: %w", djsession.ErrMalformed)},
		&djsession.OpError{Store: "dbstore", Op: "load", Key: djsession.ShortKey(sessionKey), Err: djsession.ErrNotFound, Hint: "hint"},
		&djsession.Range{Prefix: sessionKey}, &cachestore.Range{Prefix: ":1:django.contrib.sessions.cache" + sessionKey},
		&djsession.Replacement{Old: record, Values: values}, &djsession.BulkResult{Record: record, Err: &djsession.ConflictError{Current: record}},
		&ops.Finding{Key: sessionKey, Err: ops.ErrMissing}, &ops.LostValueError{Name: "cart", Err: djsession.ErrOpaque}, new(ops.OnLoss),
		new(ops.Job), new(ops.Progress), new(ops.Migration), new(ops.MigrationReport), new(ops.Comparison),
		new(ops.ExportOptions), new(ops.ExportReport), new(ops.ImportOptions), new(ops.ImportReport),
		&ops.Conversion{Auth: must(djauth.New(users))(t), Earlier: s, Site: s}, new(ops.ConversionReport),
		&ops.Rotation{Auth: must(djauth.New(users))(t)}, new(ops.RotationReport), new(ops.FallbackUse),
		new(ops.StatsOptions), &ops.Statistics{Largest: []ops.LargeSession{{Session: djsession.ShortKey(sessionKey)}}}, new(ops.Bucket),
		new(ops.LargeSession), new(ops.NameStatistics), new(ops.UserStatistics), new(ops.VerifyOptions), new(ops.VerifyReport),
		&ops.UnreadableKind{Kind: "bad signature", Err: djsession.ErrBadSignature, Examples: []string{djsession.ShortKey(sessionKey)}},
		new(ops.Revocation), new(ops.RevokeReport), new(ops.ClearOptions), new(ops.ClearReport), new(djsession.ClearRequest), new(djsession.Cleared), new(djsession.StoreSize), new(ops.Search),
		pointer(djsession.At(time.Now())), pointer(djsession.After(time.Hour)),
		&storetest.Options{}, pointer(storeurl.WithModel(dbstore.Model{})), &storeurl.Scheme{Example: "postgres://user@host/name"},
		&djsession.CheckResult{Check: djsession.KeyCheck, Err: djsession.ErrUnknownKey}, pointer(djsession.CheckOK),
		&ops.Examination{Auth: must(djauth.New(users))(t)},
		new(djsession.Origin), pointer(djsession.Signed), pointer(djsession.EventLoad),
		new(djsession.JSONSerializer), new(djsession.PickleSerializer), djsession.Serializers{djsession.JSONSerializer{}},
		// Values of a session, for the program that asks for them.
		new(pytype.NaiveTime), new(pytype.TimeOfDay), new(pytype.Timedelta), new(pytype.Date), new(pytype.Decimal),
		new(pytype.UUID), new(pytype.ByteArray), new(pytype.Tuple), new(pytype.Set), new(pytype.FrozenSet),

		item, &cachestore.Entry{Key: ":1:django.contrib.sessions.cache" + sessionKey, Item: item}, &cachestore.ConflictError{Current: item},
		&cachestore.BulkWrite{Key: ":1:django.contrib.sessions.cache" + sessionKey, Old: item, Data: []byte(value)}, &cachestore.BulkResult{Item: item},
		&cachestore.Config{Settings: s},
		must(cachestore.New(redisCache, cachestore.Config{Settings: s}))(t),
		must(cachestore.NewCachedDB(redisCache, rows, cachestore.Config{}))(t),
		&redisConfig, redisCache, pointer(rediscache.Compressor("zlib")), new(rediscache.JSONSerializer), new(rediscache.MessagePackSerializer),
		&memcacheConfig, must(memcache.New(memcacheConfig))(t), new(memcache.Hash), &memcache.ServerError{Server: "127.0.0.1:1", Answer: "ERROR"},
		&dbcacheConfig, must(dbcache.New(dbcacheConfig))(t),
		&filecacheConfig, must(filecache.New(filecacheConfig))(t),
		&dbstore.Config{Dialect: dbstore.SQLite, Settings: s}, rows, pointer(dbstore.SQLite),
		pointer(rows.Model()), pointer(dbstore.Constant("site_id", 1)), pointer(dbstore.Integer),
		&filestore.Config{Settings: s}, files,
		must(cookiestore.New(s))(t),

		must(djauth.New(users))(t), users, new(djauth.UserModel), new(djauth.PrimaryKey),
		&djauth.User{ID: "1", Username: "alice", Password: password, Extra: map[string]any{"email": value}},
		&djauth.Rehashed{Values: values, Refused: djsession.ErrOpaque},
		&djauth.SessionHash{Salt: "members.session", Columns: []string{"password"}},

		testSite(s), testSite(s).Store, testSite(s).Users,

		&options, must(signing.NewSigner(options))(t), must(signing.NewTimestampSigner(options))(t),
		&signing.CookieSigner{Options: options}, new(signing.CookieSalt), new(signing.Origin), pointer(signing.SHA256),
	}
}

func settings(t *testing.T, version string) *djsession.Settings {
	s := must(djsession.NewSettings(version, secretKey))(t)
	if s.AtLeast(4, 1) {
		s.SecretKeyFallbacks = []string{fallbackKey}
	}
	return s
}

func values(t *testing.T) *djsession.Values {
	v := new(djsession.Values)
	if err := v.Set("name", value); err != nil {
		t.Fatal(err)
	}
	return v
}

// session is that of a request with a key.
func session(t *testing.T, m *djsession.Manager, key string) *djsession.Session {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "sessionid", Value: key})
	var s *djsession.Session
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if s, err = djsession.FromRequest(r); err != nil {
			t.Error(err)
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
	if s == nil {
		t.Fatal("no session")
	}
	return s
}

func pointer[T any](v T) *T { return &v }

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// testSite is a site for the tests of handlers, with a session and a user.
func testSite(s *djsession.Settings) *djsessiontest.Site {
	site := djsessiontest.NewSite(s, &djauth.User{ID: "1", Username: "alice", Password: password})
	site.Manager.Observer, site.Manager.ErrorHandler = nil, nil
	site.SetSession(httptest.NewRequest("GET", "/", nil), map[string]any{"name": value})
	return site
}
