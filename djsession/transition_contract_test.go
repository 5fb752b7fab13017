package djsession_test

import (
	"fmt"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/storetest"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

var phases = []djsession.Phase{
	djsession.ReadOldUpdateNew, djsession.ReadOldWriteBoth, djsession.ReadNewElseOld, djsession.ReadNewWriteBoth,
}

// In each phase a transition keeps the promises of a store.
func TestTransitionContract(t *testing.T) {
	for _, phase := range phases {
		t.Run(fmt.Sprintf("memory/%d", phase), func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
				return transition(t, djsessiontest.NewStore(settings), djsessiontest.NewStore(settings), phase)
			}, storetest.Options{})
		})
	}
	for _, phase := range phases[1:3] {
		t.Run(fmt.Sprintf("sqlite and redis/%d", phase), func(t *testing.T) {
			djangotest.NotShort(t, "the stores in memory are enough")
			t.Parallel()
			redis := djangotest.Redis(t)
			var rows *dbstore.Store
			storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
				redis.Do(t, "FLUSHALL")
				rows = newStore(t, settings)
				return transition(t, rows, opens(redis.URL)(t, settings), phase)
			}, storetest.Options{
				OwnClock: true, ForgetsExpired: phase == djsession.ReadNewElseOld,
				Damage: func(t *testing.T, _ djsession.Store, key string) {
					if phase == djsession.ReadOldWriteBoth {
						execSQL(t, rows, "UPDATE django_session SET session_data = 'e30:1:x' WHERE session_key = ?", key)
						return
					}
					redis.Do(t, "SET", cacheKey(key), "42", "KEEPTTL")
				},
			})
		})
	}
}

func transition(t testing.TB, from, to djsession.Store, phase djsession.Phase) djsession.Store {
	t.Helper()
	store, err := djsession.Transition(from, to, phase)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func execSQL(t testing.TB, store *dbstore.Store, statement string, args ...any) {
	t.Helper()
	if _, err := store.DB().ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}
