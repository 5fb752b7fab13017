package pgx_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storetest"
	"github.com/djsess/djsess/examples/pgx"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/faultproxy"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }

// open opens a store over a pool, with options of pgx.
func open(t *testing.T, url string, settings *djsession.Settings) (*dbstore.Store, *pgxpool.Pool) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store, err := pgx.Open(pool, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store, pool
}

func siteSettings(t *testing.T) *djsession.Settings {
	t.Helper()
	settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

func exec(t *testing.T, pool *pgxpool.Pool, statement string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// A store over pgx does what every store must do.
func TestContract(t *testing.T) {
	db := djangotest.Postgres(t)
	_, all := open(t, db.URL, siteSettings(t))
	pools := map[djsession.Store]*pgxpool.Pool{}
	storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
		schema := fmt.Sprintf("s%d", len(pools)) // which takes less time than a database
		exec(t, all, "CREATE SCHEMA "+schema)
		store, pool := open(t, db.URL+"?search_path="+schema, settings)
		if err := store.CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
		pools[store] = pool
		return store
	}, storetest.Options{
		Damage: func(t *testing.T, store djsession.Store, key string) {
			exec(t, pools[store], "UPDATE django_session SET session_data = 'e30:1:x' WHERE session_key = $1", key)
		},
	})
}

// Beside a Django, directly and through a pooler in transaction mode.
func TestBesideDjango(t *testing.T) {
	db := djangotest.Postgres(t)
	django := djangotest.Start(t, djangotest.Newest, djangotest.Settings{"DATABASES": db.Settings(), "USE_TZ": true})
	django.Do(t, `migrate(); User.objects.create_user("alice")`, nil, nil)
	for name, address := range map[string]string{
		"direct": db.URL,
		"pooler": djangotest.PgBouncer(t).Through(t, db).URL + "?default_query_exec_mode=exec",
	} {
		t.Run(name, func(t *testing.T) {
			store, pool := open(t, address, siteSettings(t))
			var key string
			django.Do(t, `s = SessionStore(); s["n"] = 1; s.save(); result = s.session_key`, nil, &key)
			for range 20 { // on more than one connection to the server
				if _, err := djsession.Update(t.Context(), store, key, edit.Add("n", 1)); err != nil {
					t.Fatal(err)
				}
			}
			var n int
			if django.Do(t, `result = SessionStore(args)["n"]`, key, &n); n != 21 {
				t.Errorf("Django reads %d", n)
			}
			for _, err := range store.Scan(t.Context(), djsession.Range{Prefix: key[:4]}) {
				if err != nil {
					t.Error(err)
				}
			}

			users, err := djauth.UsersIn(store, djauth.UserModel{})
			if err != nil {
				t.Fatal(err)
			}
			alice, err := users.UserByUsername(t.Context(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			login := time.Now().Truncate(time.Microsecond)
			if err := users.SetLastLogin(t.Context(), alice.ID, login); err != nil {
				t.Error(err)
			}
			var at string
			if django.Do(t, `result = User.objects.get().last_login.isoformat()`, nil, &at); !isInstant(at, login) {
				t.Errorf("Django reads the login at %s, want %s", at, login)
			}

			exec(t, pool, "UPDATE django_session SET expire_date = 'infinity' WHERE session_key = $1", key)
			r, err := store.Load(t.Context(), key)
			if err != nil || !r.Expires.Equal(djsession.Never) {
				t.Fatalf("infinity: %v, %v", r, err)
			}
			if err := store.DeleteUnchanged(t.Context(), r); err != nil {
				t.Errorf("delete a session without an end: %v", err)
			}
		})
	}
}

func isInstant(text string, want time.Time) bool {
	at, err := time.Parse(time.RFC3339Nano, text)
	return err == nil && at.Equal(want)
}

// Each error of pgx is the one of djsession that it means.
func TestErrors(t *testing.T) {
	db := djangotest.Postgres(t)
	settings := siteSettings(t)
	store, pool := open(t, db.URL, settings)
	if _, err := store.Load(t.Context(), djsession.NewKey()); !errors.Is(err, dbstore.ErrNoTable) {
		t.Errorf("without a table: %v", err)
	}
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := store.Create(t.Context(), "", nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}

	t.Run("unique violation", func(t *testing.T) {
		if _, err := store.Create(t.Context(), r.Key, nil, time.Time{}); !errors.Is(err, djsession.ErrKeyTaken) {
			t.Errorf("%v", err)
		}
	})
	t.Run("read-only", func(t *testing.T) {
		reader, _ := open(t, db.URL+"?default_transaction_read_only=on", settings)
		if _, err := reader.Load(t.Context(), r.Key); err != nil {
			t.Error(err)
		}
		if err := reader.Delete(t.Context(), r.Key); !errors.Is(err, djsession.ErrReadOnly) {
			t.Errorf("%v", err)
		}
	})
	t.Run("lock timeout", func(t *testing.T) {
		hasty, _ := open(t, db.URL+"?lock_timeout=50", settings)
		commit := lock(t, pool, r.Key)
		defer commit()
		if err := hasty.Delete(t.Context(), r.Key); !errors.Is(err, djsession.ErrBusy) {
			t.Errorf("%v", err)
		}
	})
	t.Run("serialization failure", func(t *testing.T) {
		strict, _ := open(t, db.URL+"?default_transaction_isolation=repeatable%20read", settings)
		old, err := strict.Load(t.Context(), r.Key)
		if err != nil {
			t.Fatal(err)
		}
		commit := lock(t, pool, r.Key)
		done := make(chan error, 1)
		go func() {
			_, err := strict.Replace(context.Background(), old, new(djsession.Values), time.Time{})
			done <- err
		}()
		for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
			if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(&waiting); err != nil {
				t.Fatal(err)
			}
		}
		commit()
		if err := <-done; !errors.Is(err, djsession.ErrConflict) {
			t.Errorf("%v", err)
		}
	})
	t.Run("lost connection", func(t *testing.T) {
		u, err := url.Parse(db.URL)
		if err != nil {
			t.Fatal(err)
		}
		proxy := faultproxy.New(t, u.Host)
		// In this mode each statement is sent with its text.
		through, throughPool := open(t, strings.Replace(db.URL, u.Host, proxy.Addr, 1)+"?default_query_exec_mode=exec", settings)
		current, err := through.Load(t.Context(), r.Key)
		if err != nil {
			t.Fatal(err)
		}
		// The row shows that the update was made.
		proxy.LoseAnswer("UPDATE ")
		current, err = through.Replace(t.Context(), current, new(djsession.Values), time.Now().Add(time.Hour))
		if err != nil || !proxy.Settled() {
			t.Errorf("update, whose answer was lost: %v", err)
		}
		// It does not show that it will be.
		release := proxy.Hold("UPDATE ")
		if _, err = through.Replace(t.Context(), current, new(djsession.Values), time.Now().Add(2*time.Hour)); !errors.Is(err, djsession.ErrOutcomeUnknown) {
			t.Errorf("update that has not arrived: %v", err)
		}
		release()
		proxy.Settled()
		// Each connection that the server has closed costs one error at most, and no change.
		if _, err := through.Load(t.Context(), r.Key); err != nil {
			t.Error(err)
		}
		proxy.Cut()
		err = errors.New("not tried yet")
		for tries := 0; err != nil && tries <= int(throughPool.Config().MaxConns); tries++ {
			if _, err = djsession.Update(t.Context(), through, r.Key, edit.Add("sum", 1)); errors.Is(err, djsession.ErrNotFound) {
				t.Fatal(err)
			}
		}
		if err != nil {
			t.Errorf("update after a restart: %v", err)
		}
		current, err = through.Load(t.Context(), r.Key)
		if err != nil {
			t.Fatal(err)
		}
		if raw, _ := current.Values.Raw("sum"); raw != "1" {
			t.Errorf("the sum is %s, want 1", raw)
		}
	})
}

// lock changes the row of a session in a transaction that ends when commit is called.
func lock(t *testing.T, pool *pgxpool.Pool, key string) (commit func()) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), "UPDATE django_session SET expire_date = expire_date + interval '1 minute' WHERE session_key = $1", key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Commit(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
