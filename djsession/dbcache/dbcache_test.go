package dbcache_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbcache"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// An item that has ended is not found and cannot be swapped, but Add can take its key.
func TestEnded(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *site) {
		ctx := t.Context()
		for _, timeout := range []time.Duration{0, -time.Second, -time.Hour} {
			item, err := s.Add(ctx, key, []byte("over"), timeout)
			if err != nil {
				t.Fatal(err)
			}
			_, getErr := s.Get(ctx, key)
			_, swapErr := s.Swap(ctx, key, item, []byte("back"), time.Hour)
			for what, err := range map[string]error{"get": getErr, "swap": swapErr, "delete": s.DeleteUnchanged(ctx, key, item)} {
				if !errors.Is(err, djsession.ErrNotFound) {
					t.Errorf("timeout %v: %s: %v", timeout, what, err)
				}
			}
			if err := s.Delete(ctx, key); err != nil {
				t.Errorf("timeout %v: the row is gone: %v", timeout, err)
			}
		}
		if _, err := s.Add(ctx, key, []byte("over"), -time.Hour); err != nil {
			t.Fatal(err)
		}
		s.add(t, key, "new")
		if item, err := s.Get(ctx, key); err != nil || string(item.Data) != "new" {
			t.Errorf("%+v, %v", item, err)
		}
	})
}

func TestBadValues(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *site) {
		for name, c := range map[string]struct {
			value string
			want  error
			says  string
		}{
			"not base64":       {"gASVfQ", djsession.ErrMalformed, "value is not base64"},
			"more than we may": {strings.Repeat("A", 2000), djsession.ErrTooLarge, "1500 bytes"},
			"much more":        {strings.Repeat("A", 8000), djsession.ErrTooLarge, "8000 bytes"},
		} {
			t.Run(name, func(t *testing.T) {
				small := *s.settings
				small.MaxPayloadSize = 1000
				config := s.config
				config.Settings = &small
				cache := s.open(t, config)
				item := s.add(t, key, "good")
				defer s.Delete(t.Context(), key)
				s.exec(t, fmt.Sprintf("UPDATE %s SET value = '%s'", table, c.value))
				_, getErr := cache.Get(t.Context(), key)
				_, swapErr := cache.Swap(t.Context(), key, item, []byte("x"), time.Hour)
				for what, err := range map[string]error{"get": getErr, "swap": swapErr} {
					var payload *djsession.PayloadError
					if !errors.As(err, &payload) || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
						t.Errorf("%s: %v", what, err)
					}
					hasNoKey(t, err)
				}
				if got := s.column(t, "SELECT value FROM "+table); len(got) != 1 || got[0] != c.value {
					t.Errorf("it was written over: %.80q", got)
				}
				if _, err := cache.Add(t.Context(), key, nil, time.Hour); !errors.Is(err, djsession.ErrKeyTaken) {
					t.Errorf("add: %v", err)
				}
			})
		}
		// As base64.b64decode: other characters are skipped.
		s.add(t, key, "good")
		s.exec(t, fmt.Sprintf("UPDATE %s SET value = ' Z2\n9v*ZA== '", table))
		if item, err := s.Get(t.Context(), key); err != nil || string(item.Data) != "good" {
			t.Errorf("%+v, %v", item, err)
		}
	})
}

func TestRefused(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *site) {
		for name, bad := range map[string]string{"empty": "", "long": strings.Repeat("k", 256), "NUL": "k\x00", "no text": "k\xff"} {
			if _, err := s.Add(t.Context(), bad, nil, time.Hour); !errors.Is(err, djsession.ErrInvalidKey) {
				t.Errorf("%s key: %v", name, err)
			}
			if _, err := s.Get(t.Context(), bad); !errors.Is(err, djsession.ErrInvalidKey) {
				t.Errorf("%s key: %v", name, err)
			}
		}
		small := *s.settings
		small.MaxPayloadSize = 3
		config := s.config
		config.Settings = &small
		if _, err := s.open(t, config).Add(t.Context(), key, []byte("much"), time.Hour); !errors.Is(err, djsession.ErrTooLarge) {
			t.Errorf("large: %v", err)
		}

		config = s.config
		config.ReadOnly = true
		readOnly := s.open(t, config)
		item := s.add(t, key, "x")
		_, addErr := readOnly.Add(t.Context(), "other", nil, time.Hour)
		_, swapErr := readOnly.Swap(t.Context(), key, item, nil, time.Hour)
		for what, err := range map[string]error{
			"add": addErr, "swap": swapErr,
			"delete": readOnly.Delete(t.Context(), key), "delete unchanged": readOnly.DeleteUnchanged(t.Context(), key, item),
		} {
			if !errors.Is(err, djsession.ErrReadOnly) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := readOnly.Get(t.Context(), key); err != nil {
			t.Error(err)
		}

		config = s.config
		config.Table = "no_such_table"
		if _, err := s.open(t, config).Get(t.Context(), key); !errors.Is(err, dbcache.ErrNoTable) || !strings.Contains(err.Error(), "no_such_table") {
			t.Errorf("%v", err)
		}
		s.Close()
		if _, err := s.Get(t.Context(), key); err == nil || errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("without a database: %v", err)
		}
	})
}

func TestConfig(t *testing.T) {
	settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	good := dbcache.Config{DB: new(sql.DB), Dialect: dbstore.MySQL, Table: table, Settings: settings}
	for says, change := range map[string]func(*dbcache.Config){
		"":                             func(*dbcache.Config) {},
		"DB is missing":                func(c *dbcache.Config) { c.DB = nil },
		"Table is missing":             func(c *dbcache.Config) { c.Table = "" },
		"want table or schema.table":   func(c *dbcache.Config) { c.Table = "a.b.c" },
		"Settings are missing":         func(c *dbcache.Config) { c.Settings = nil },
		`unknown dialect "oracle"`:     func(c *dbcache.Config) { c.Dialect = "oracle" },
		"MAX_ENTRIES -1":               func(c *dbcache.Config) { c.MaxEntries = -1 },
		"CULL_FREQUENCY -2":            func(c *dbcache.Config) { c.CullFrequency = -2 },
		"TimeZone: \"Nowhere/At_All\"": func(c *dbcache.Config) { c.TimeZone = "Nowhere/At_All" },
		"cannot be set when USE_TZ is off": func(c *dbcache.Config) {
			naive := *settings
			naive.UseTZ = false
			c.Settings, c.TimeZone = &naive, "Asia/Kolkata"
		},
	} {
		c := good
		change(&c)
		cache, err := dbcache.New(c)
		if says == "" && err == nil {
			if got := cache.String(); got != "database (mysql, django_cache)" {
				t.Errorf("%s", got)
			}
			continue
		}
		if says == "" || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
	}
}

// If a row cannot be written, the error is not a conflict, which callers would retry for ever.
func TestWriteThatIsNotTaken(t *testing.T) {
	djangotest.NotShort(t, "PostgreSQL")
	s := newSite(t, djangotest.Newest, djangotest.Postgres(t), nil, nil)
	item := s.add(t, key, "x")
	s.exec(t, "CREATE RULE frozen AS ON UPDATE TO django_cache DO INSTEAD NOTHING")
	_, err := s.Swap(t.Context(), key, item, []byte("y"), time.Hour)
	if err == nil || errors.Is(err, djsession.ErrConflict) || !strings.Contains(err.Error(), "does not take the write") {
		t.Errorf("%v", err)
	}
}

// The tables of old Djangos hold whole seconds.
func TestColumnOfWholeSeconds(t *testing.T) {
	djangotest.NotShort(t, "MariaDB and Django 3.2")
	s := newSite(t, "3.2", djangotest.MariaDB(t), nil, nil)
	s.exec(t, "ALTER TABLE django_cache MODIFY expires datetime NOT NULL")
	item := s.add(t, key, "0")
	for i := range 3 {
		var err error
		if item, err = s.Swap(t.Context(), key, item, []byte(fmt.Sprint(i)), time.Duration(i)*time.Hour+time.Minute); err != nil {
			t.Fatal(err)
		}
	}
}

func TestScan(t *testing.T) {
	const entries = 150 // several pages
	onEachDatabase(t, func(t *testing.T, s *site) {
		for i := range entries {
			s.add(t, fmt.Sprintf("a_%%!b:1:%03d", i), fmt.Sprint(i))
		}
		for _, other := range []string{"axx!b:1:1", "a_", "A_%!B:1:1", "b"} {
			s.add(t, other, "other")
		}
		if _, err := s.Add(t.Context(), "a_%!b:1:ended", []byte("ended"), -time.Hour); err != nil {
			t.Fatal(err)
		}
		s.exec(t, fmt.Sprintf("UPDATE %s SET value = 'gASVfQ' WHERE cache_key LIKE '%%:1:077'", table))
		seen, bad := map[string]string{}, 0
		for e, err := range s.Scan(t.Context(), cachestore.Range{Prefix: "a_%!b:1:"}) {
			switch {
			case e == nil:
				t.Fatal(err)
			case err != nil:
				bad++
				if payload := new(djsession.PayloadError); !errors.As(err, &payload) || !strings.HasSuffix(e.Key, ":077") || e.Item.Expires.IsZero() {
					t.Errorf("%+v, %v", e, err)
				}
			default:
				seen[e.Key] = string(e.Item.Data)
				if ended := strings.HasSuffix(e.Key, "ended"); ended != e.Item.Expires.Before(time.Now()) {
					t.Errorf("%s ends %v", e.Key, e.Item.Expires)
				}
			}
		}
		if bad != 1 || len(seen) != entries || seen["a_%!b:1:005"] != "5" || seen["a_%!b:1:ended"] != "ended" {
			t.Errorf("%d, and %d bad ones", len(seen), bad)
		}
		all := 0
		for e, err := range s.Scan(t.Context(), cachestore.Range{}) {
			if e == nil {
				t.Fatal(err)
			}
			all++
		}
		if all != entries+5 {
			t.Errorf("%d of all", all)
		}
	})
}
