package dbstore_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// Go reads the times in the table in the site's zone: a session ends for Go when it ends for
// Django, to the microsecond.
func TestTimesAgreeWithDjango(t *testing.T) {
	for _, version := range djangotest.OldestAndNewest() {
		for _, kind := range djangotest.Databases() {
			for _, zone := range djangotest.TimeZones() {
				t.Run(strings.Join([]string{version, kind.Kind, zone.Name}, "/"), func(t *testing.T) {
					if kind.Kind == "postgres" && zone.Database != "" {
						return // holds instants; Django has no such setting for it
					}
					t.Parallel()
					db := kind.New(t)
					options := ""
					if zone.Database != "" {
						db.Django["TIME_ZONE"] = zone.Database
						options = "?time_zone=" + zone.Database
					}
					django := djangotest.Start(t, version, djangotest.Settings{
						"DATABASES": db.Settings(), "USE_TZ": zone.UseTZ, "TIME_ZONE": zone.Zone,
					})
					django.Do(t, `migrate()`, nil, nil)
					s := fixture.Settings(t, version)
					s.UseTZ, s.TimeZone = zone.UseTZ, zone.Zone
					timesAgree(t, django, open(t, db, s, options))
				})
			}
		}
	}
}

func timesAgree(t *testing.T, django *djangotest.Django, store djsession.Store) {
	var written []struct {
		Key     string
		Seconds int
		Micros  int64 // of expire_date since the epoch
	}
	django.Do(t, `
		def micros(at):
			if timezone.is_naive(at):
				at = timezone.make_aware(at, timezone.get_default_timezone())
			d = at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
			return (d.days * 86400 + d.seconds) * 10**6 + d.microseconds
		def expire_micros(key):
			return micros(Session.objects.get(session_key=key).expire_date)
		result = []
		for seconds in (-60, 60, 3600, 86400 * 200):
			s = SessionStore()
			s.set_expiry(seconds)
			s.save()
			result.append({"Key": s.session_key, "Seconds": seconds, "Micros": expire_micros(s.session_key)})
	`, nil, &written)
	for _, w := range written {
		r, err := store.Load(t.Context(), w.Key)
		if w.Seconds < 0 {
			if !errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("dead in Django, here %v, %v", r, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("lives for %d s in Django: %v", w.Seconds, err)
			continue
		}
		if got := r.Expires.UnixMicro(); got != w.Micros {
			t.Errorf("%d s: expires %v, Django has %v", w.Seconds, r.Expires, time.UnixMicro(w.Micros).UTC())
		}
		// The same back.
		if _, err := store.Replace(t.Context(), r, r.Values, r.Expires); err != nil {
			t.Error(err)
		}
		var after int64
		if django.Do(t, `result = expire_micros(args)`, w.Key, &after); after != w.Micros {
			t.Errorf("%d s: Django now has %v", w.Seconds, time.UnixMicro(after).UTC())
		}
	}
	for _, seconds := range []int{-60, 60, 86400 * 200} {
		r := create(t, store, "", fmt.Sprintf(`{"_session_expiry":%d,"x":1}`, seconds))
		var seen struct {
			Live   bool
			Micros int64
		}
		django.Do(t, `result = {"Live": SessionStore(args).get("x") == 1, "Micros": expire_micros(args)}`, r.Key, &seen)
		if seen.Live != (seconds > 0) || seen.Micros != r.Expires.UnixMicro() {
			t.Errorf("%d s: written %v, in Django %v, %v", seconds, r.Expires, seen.Live, time.UnixMicro(seen.Micros).UTC())
		}
	}
}

// schemaQueries describe a table, whatever made it; %s is its name.
var schemaQueries = map[string][]string{
	"sqlite": {`SELECT group_concat(sql, x'0a') FROM (SELECT sql FROM sqlite_master WHERE tbl_name = '%s' ORDER BY name)`},
	"postgres": {
		`SELECT string_agg(concat_ws(' ', column_name, data_type, character_maximum_length, is_nullable, column_default), E'\n' ORDER BY ordinal_position)
			FROM information_schema.columns WHERE table_name = '%s'`,
		`SELECT string_agg(indexdef, E'\n' ORDER BY indexname) FROM pg_indexes WHERE tablename = '%s'`,
	},
	"mariadb": {
		`SELECT group_concat(concat_ws(' ', column_name, column_type, is_nullable, column_default, collation_name) ORDER BY ordinal_position SEPARATOR '\n')
			FROM information_schema.columns WHERE table_schema = database() AND table_name = '%s'`,
		`SELECT group_concat(concat_ws(' ', index_name, column_name, non_unique, sub_part) ORDER BY index_name SEPARATOR '\n')
			FROM information_schema.statistics WHERE table_schema = database() AND table_name = '%s'`,
	},
}

func schema(t *testing.T, db djangotest.Database, table string) string {
	var all []string
	for _, query := range schemaQueries[db.Kind] {
		all = append(all, queryText(t, db, fmt.Sprintf(query, table)))
	}
	return strings.Join(all, "\n")
}

func TestCreateTableIsDjangos(t *testing.T) {
	tables := []string{"django_session", "Sessions of ours", strings.Repeat("long_table_name_", 3) + "of_the_site", "_9"}
	for _, version := range djangotest.OldestAndNewest() {
		t.Run(version, func(t *testing.T) {
			onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
				django := djangotest.Start(t, version, djangotest.Settings{"DATABASES": db.Settings()})
				for i, table := range tables {
					django.Do(t, `
					from django.contrib.sessions.base_session import AbstractBaseSession
					from django.db import connection
					meta = type("Meta", (AbstractBaseSession.Meta,), {"app_label": "sessions", "db_table": args["table"]})
					model = type("Session%d" % args["i"], (AbstractBaseSession,), {"__module__": "peer", "Meta": meta})
					with connection.schema_editor() as editor:
						editor.create_model(model)
				`, map[string]any{"table": table, "i": i}, nil)
					want := schema(t, db, table)
					exec(t, db, "DROP TABLE "+quote(db, table))
					store := open(t, db, fixture.Settings(t, version), "?table="+url.QueryEscape(table))
					for range 2 { // the second finds it there
						if err := store.CreateTable(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					if got := schema(t, db, table); got != want || want == "" {
						t.Errorf("table %s\n%s\nDjango makes\n%s", table, got, want)
					}
					r := create(t, store, "", `{"a":1}`)
					if _, err := store.Load(t.Context(), r.Key); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// If a Go service creates the table first, the site uses that table.
func TestDjangoTakesOurTable(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		key := create(t, store, "", `{"a":1.0}`).Key
		django := djangotest.Start(t, djangotest.Newest, djangotest.Settings{"DATABASES": db.Settings()})
		var got string
		django.Do(t, `
			from django.core.management import call_command
			call_command("migrate", fake_initial=True, verbosity=0)
			s = SessionStore(args)
			s["b"] = 2
			s.save()
			result = repr(dict(SessionStore(args).items()))
		`, key, &got)
		if got != "{'a': 1.0, 'b': 2}" {
			t.Errorf("Django has %s", got)
		}
	})
}

func quote(db djangotest.Database, table string) string {
	if db.Kind == "mariadb" {
		return "`" + table + "`"
	}
	return `"` + table + `"`
}

func TestTableInASchema(t *testing.T) {
	db := djangotest.Postgres(t)
	exec(t, db, `CREATE SCHEMA "Site"`)
	store := open(t, db, fixture.Settings(t, djangotest.Newest), "?table=Site.django_session")
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	create(t, store, "", `{}`)
	if n := queryText(t, db, `SELECT count(*) FROM "Site".django_session`); n != "1" {
		t.Errorf("%s rows", n)
	}
	lite := djangotest.SQLite(t)
	store = open(t, lite, fixture.Settings(t, djangotest.Newest), "?table=main.django_session")
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := queryText(t, lite, `SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name LIKE 'django_session_expire%'`); n != "1" {
		t.Errorf("%s indexes", n)
	}
	djangotest.NotShort(t, "MariaDB")
	maria := djangotest.MariaDB(t)
	store = open(t, maria, fixture.Settings(t, djangotest.Newest), "?table="+maria.Name+".django_session")
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	create(t, store, "", `{}`)
	if n := queryText(t, maria, `SELECT count(*) FROM django_session`); n != "1" {
		t.Errorf("%s rows", n)
	}
}

// Columns that a site's own session model adds do not change.
func TestColumnsOfTheSiteStay(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		exec(t, db, "ALTER TABLE django_session ADD COLUMN account_id integer NULL")
		r := create(t, store, "", `{"a":1}`)
		exec(t, db, "UPDATE django_session SET account_id = 42")
		if _, err := djsession.Update(t.Context(), store, r.Key, edit.Set("a", 2)); err != nil {
			t.Fatal(err)
		}
		if got := queryText(t, db, "SELECT account_id FROM django_session"); got != "42" {
			t.Errorf("account_id is %s", got)
		}
	})
}

// With USE_TZ off Django counts on the wall clock: in two weeks at the same hour,
// even when clocks skip that hour or have it twice.
func TestExpiryAcrossClockChanges(t *testing.T) {
	const zone = "Europe/Warsaw"
	stored := map[string]string{
		"sqlite":   "SELECT CAST(expire_date AS TEXT) FROM django_session WHERE session_key = '%s'",
		"postgres": "SELECT CAST(extract(epoch FROM expire_date) AS text) FROM django_session WHERE session_key = '%s'",
		"mariadb":  "SELECT CAST(expire_date AS CHAR) FROM django_session WHERE session_key = '%s'",
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range djangotest.OldestAndNewest() {
		t.Run(version, func(t *testing.T) {
			onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
				django := djangotest.Start(t, version, djangotest.Settings{"DATABASES": db.Settings(), "USE_TZ": false, "TIME_ZONE": zone})
				django.Do(t, `migrate()`, nil, nil)
				for _, naive := range []string{
					"2027-03-14T02:30:00.250000", // two weeks before the skipped hour
					"2027-03-14T03:00:00", "2027-03-14T01:59:59", "2027-03-28T03:00:00",
					"2027-10-17T02:30:00.250000", // two weeks before the hour that comes twice
					"2027-10-17T01:59:59", "2027-10-17T03:00:00", "2027-06-01T12:00:00",
				} {
					var key string
					django.Do(t, `
						now = datetime.datetime.strptime(args[:19], "%Y-%m-%dT%H:%M:%S").replace(microsecond=int(args[20:] or 0))
						real, timezone.now = timezone.now, lambda: now
						try:
							s = SessionStore()
							s.save()
						finally:
							timezone.now = real
						result = s.session_key
					`, naive, &key)
					s := fixture.Settings(t, version)
					now, err := time.ParseInLocation("2006-01-02T15:04:05", naive, loc)
					if err != nil {
						t.Fatal(err)
					}
					s.UseTZ, s.TimeZone, s.Now = false, zone, func() time.Time { return now }
					ours := create(t, open(t, db, s, ""), "", `{}`)
					want := queryText(t, db, fmt.Sprintf(stored[db.Kind], key))
					if got := queryText(t, db, fmt.Sprintf(stored[db.Kind], ours.Key)); got != want {
						t.Errorf("saved at %s: expires %s, Django has %s", naive, got, want)
					}
				}
			})
		})
	}
}
