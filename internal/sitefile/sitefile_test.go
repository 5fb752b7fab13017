package sitefile_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/djsess/djsess/internal/sitefile"
)

// whole returns the text of a settings file, changed by edit.
func whole(t *testing.T, edit func(top, settings, store, users map[string]any)) string {
	t.Helper()
	data, err := json.Marshal(sitefile.File{
		Format: sitefile.Format, Django: "5.2.8",
		Site:  sitefile.Settings{SessionCookieAge: 1209600, SessionCookieSecure: true, AuthenticationBackends: []string{"django.contrib.auth.backends.ModelBackend"}},
		Store: sitefile.Store{Engine: sitefile.DB, URL: "postgres://shop@db.internal/shop"},
		Users: &sitefile.Users{Table: "auth_user", IDType: sitefile.IntegerID, Password: "password", AuthHash: sitefile.DjangoHash},
	})
	if err != nil {
		t.Fatal(err)
	}
	var top map[string]any
	if err := json.Unmarshal(data, &top); err != nil {
		t.Fatal(err)
	}
	edit(top, top["settings"].(map[string]any), top["store"].(map[string]any), top["users"].(map[string]any))
	data, err = json.Marshal(top)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A file is used as a whole or not at all, and no error shows a secret of it.
func TestParse(t *testing.T) {
	type m = map[string]any
	good := whole(t, func(_, _, _, _ m) {})
	if f, err := sitefile.Parse([]byte(good)); err != nil || !f.Site.SessionCookieSecure || f.Store.URL == "" || f.Users.Table != "auth_user" {
		t.Fatalf("%+v, %v", f, err)
	}
	for name, c := range map[string]struct{ text, err string }{
		"nothing":           {"", "not the whole file"},
		"other JSON":        {`{"a": 1}`, "no djsess_settings"},
		"a list":            {`[1]`, "not the whole file"},
		"another version":   {whole(t, func(top, _, _, _ m) { top["djsess_settings"] = 2 }), "version 2 of the format, and this djsess reads version 1"},
		"a version in text": {whole(t, func(top, _, _, _ m) { top["djsess_settings"] = "1" }), "no djsess_settings"},
		"more behind it":    {good + "{}", "not the whole file"},
		"too large":         {good + strings.Repeat(" ", 1<<20), "larger than 1024 KiB"},
		"a missing setting": {whole(t, func(_, s, _, _ m) { delete(s, "SESSION_COOKIE_SECURE") }), "settings.SESSION_COOKIE_SECURE is missing"},
		"a null setting":    {whole(t, func(_, s, _, _ m) { s["SESSION_COOKIE_SECURE"] = nil }), "settings.SESSION_COOKIE_SECURE is null"},
		"a missing column":  {whole(t, func(_, _, _, u m) { delete(u, "is_active") }), "users.is_active is missing"},
		"no users":          {whole(t, func(top, _, _, _ m) { delete(top, "users") }), "users is missing"},
		"a wrong type":      {whole(t, func(_, s, _, _ m) { s["SESSION_COOKIE_AGE"] = "marmalade" }), "settings.SESSION_COOKIE_AGE: this is no int64"},
		"an unknown name":   {whole(t, func(_, s, _, _ m) { s["SESSION_COKIE"] = "marmalade" }), `unknown field "SESSION_COKIE"`},
		"an unknown kind":   {whole(t, func(_, _, _, u m) { u["id_type"] = "serial" }), "users.id_type: want"},
		"an endless age":    {whole(t, func(_, s, _, _ m) { s["SESSION_COOKIE_AGE"] = int64(1) << 60 }), "a century at most"},
		"a secret":          {whole(t, func(_, s, _, _ m) { s["SECRET_KEY"] = "marmalade" }), `holds a secret ("SECRET_KEY")`},
		"a list of secrets": {whole(t, func(top, _, _, _ m) { top["x"] = []any{m{"api_token": "marmalade"}} }), `holds a secret ("api_token")`},
		"a password":        {whole(t, func(_, _, s, _ m) { s["url"] = "mysql://u:marmalade@host/name" }), `URL with a password ("url")`},
		"… without a user":  {whole(t, func(_, _, s, _ m) { s["cache"] = "redis://:marmalade@host/1" }), `URL with a password ("cache")`},
		"… unescaped":       {whole(t, func(_, _, s, _ m) { s["url"] = "mysql://u:m@rma/lade@host/name" }), `URL with a password ("url")`},
		"… with a ?":        {whole(t, func(_, _, s, _ m) { s["url"] = "redis://:mar?malade@host/1" }), `URL with a password ("url")`},
		"… as an option":    {whole(t, func(_, _, s, _ m) { s["url"] = "postgres://host/name?password=marmalade" }), `URL with a password ("url")`},
		"… in a list":       {whole(t, func(_, s, _, _ m) { s["ALLOWED_HOSTS"] = []any{"https://u:marmalade@host"} }), `URL with a password ("ALLOWED_HOSTS")`},
	} {
		f, err := sitefile.Parse([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "marmalade") {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	// Each beginning of the file is refused: it is what an interrupted write leaves.
	for n := range len(good) {
		if _, err := sitefile.Parse([]byte(good[:n])); err == nil {
			t.Fatalf("its first %d bytes are taken for a whole file", n)
		}
	}
	// Nothing else looks like a secret.
	for _, url := range []string{"postgres://shop@db.internal:5432/shop?sslmode=require", "sqlite:////srv/a:b@c/db.sqlite3", "mysql://[::1]:3306/name", "memcached://h:11211,h:11211"} {
		if _, err := sitefile.Parse([]byte(whole(t, func(_, _, s, _ m) { s["url"] = url }))); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestRead(t *testing.T) {
	if _, err := sitefile.Read(filepath.Join(t.TempDir(), "absent.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := sitefile.Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "site.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sitefile.Read(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"djsess_settings": 1, "settings": {"a": ["postgres://u:p@h/n?password=p"]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := sitefile.Parse(data)
		if (file == nil) == (err == nil) {
			t.Errorf("%v, %v", file, err)
		}
	})
}
