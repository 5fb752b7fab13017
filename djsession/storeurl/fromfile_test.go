package storeurl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/sitefile"
)

// OpenFromFile opens the store of each engine, and OpenUsersFromFile the database of the users.
func TestOpenFromFile(t *testing.T) {
	settings, err := djsession.NewSettings("5.2", "key")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	database := "sqlite:///" + filepath.Join(dir, "db.sqlite3")
	if err := os.WriteFile(filepath.Join(dir, "db.sqlite3"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const noURL = "it has no URL"
	for _, c := range []struct {
		store       sitefile.Store
		users       *sitefile.Users
		opens, err  string
		usersOpened string
	}{
		{sitefile.Store{Engine: sitefile.DB, URL: database}, nil, "db (sqlite)", "", noURL},
		{sitefile.Store{Engine: sitefile.Cache, URL: "redis://127.0.0.1:1/1"}, &sitefile.Users{URL: database}, "cache (redis", "", ""},
		{sitefile.Store{Engine: sitefile.CachedDB, URL: database, Cache: "redis://127.0.0.1:1/1"}, nil, "cached_db", "", noURL},
		{sitefile.Store{Engine: sitefile.CachedDB, URL: database}, nil, "", noURL, noURL},
		{sitefile.Store{Engine: sitefile.Files, URL: "file:///" + dir}, &sitefile.Users{}, "file", "", noURL},
		{sitefile.Store{Engine: sitefile.SignedCookies}, nil, "", "use cookiestore.New", noURL},
		{sitefile.Store{}, nil, "", noURL, noURL},
	} {
		file := sitefile.File{Format: sitefile.Format, Django: "5.2.8", Store: c.store, Users: c.users}
		if c.users != nil {
			c.users.IDType, c.users.AuthHash = sitefile.IntegerID, sitefile.DjangoHash
		}
		data, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "djsess-settings.json")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		store, err := storeurl.OpenFromFile(path, settings)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v: %v", c.store, err)
		}
		if err == nil {
			if !strings.HasPrefix(store.String(), c.opens) {
				t.Errorf("%+v opens %s", c.store, store)
			}
			store.Close()
		}
		users, err := storeurl.OpenUsersFromFile(path, settings)
		if (err == nil) != (c.usersOpened == "") || err != nil && !strings.Contains(err.Error(), c.usersOpened) {
			t.Errorf("%+v: users: %v", c.users, err)
		}
		if err == nil {
			users.Close()
		}
	}
}
