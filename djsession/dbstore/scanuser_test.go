package dbstore_test

import (
	"slices"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// TestScanUser tests that the rows of a user are found by the column of a session model, in all
// parts together once, and that a model without one says so.
func TestScanUser(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		ownTable(t, db)
		exec(t, db, "INSERT INTO account VALUES (7)")
		store := withModel(t, db, fixture.Settings(t, djangotest.Newest), ownModel)
		want := []string{create(t, store, "", `{"_auth_user_id":"42","n":1}`).Key, create(t, store, "", `{"_auth_user_id":"42"}`).Key}
		create(t, store, "", `{"_auth_user_id":"7"}`)
		create(t, store, "", `{}`)
		if name := store.UserColumn(); name != "account_id" {
			t.Errorf("UserColumn returned %q", name)
		}
		for id, want := range map[string][]string{"42": want, "8": nil, "alice": nil, "": nil} {
			var got []string
			for part := range 2 {
				for r, err := range store.ScanUser(t.Context(), id, djsession.Range{Part: part, Parts: 2}) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, r.Key)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
				t.Errorf("user %q: %d sessions, want %d", id, len(got), len(want))
			}
		}
		if name := open(t, db, fixture.Settings(t, djangotest.Newest), "").UserColumn(); name != "" {
			t.Errorf("UserColumn of Django's own model returned %q", name)
		}
	})
}
