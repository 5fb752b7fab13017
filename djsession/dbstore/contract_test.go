package dbstore_test

import (
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storetest"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

func TestContract(t *testing.T) {
	for _, kind := range djangotest.Databases("postgres") {
		t.Run(kind.Kind, func(t *testing.T) { testContract(t, kind.New(t)) })
	}
}

func testContract(t *testing.T, db djangotest.Database) {
	storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
		store := open(t, db, settings, "")
		exec(t, db, "DROP TABLE IF EXISTS django_session")
		if err := store.CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
		return store
	}, storetest.Options{
		Damage: func(t *testing.T, _ djsession.Store, key string) {
			exec(t, db, "UPDATE django_session SET session_data = 'e30:1:x' WHERE session_key = '"+key+"'")
		},
	})
}
