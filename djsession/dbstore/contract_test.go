package dbstore_test

import (
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storetest"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

func TestContract(t *testing.T) {
	for _, d := range djangotest.Databases("postgres") {
		t.Run(d.Kind, func(t *testing.T) {
			databases := map[djsession.Store]djangotest.Database{}
			storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
				db := d.New(t)
				store := open(t, db, settings, "")
				if err := store.CreateTable(t.Context()); err != nil {
					t.Fatal(err)
				}
				databases[store] = db
				return store
			}, storetest.Options{
				Damage: func(t *testing.T, store djsession.Store, key string) {
					exec(t, databases[store], "UPDATE django_session SET session_data = 'e30:1:x' WHERE session_key = '"+key+"'")
				},
			})
		})
	}
}
