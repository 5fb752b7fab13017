package storeurl

import (
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbstore"
)

// Every row of the table is true: its example can be opened, the options of the row are those
// that opening it reads, and the package comment has its example and its options.
func TestSchemes(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "storeurl.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	doc := file.Doc.Text()
	dir := t.TempDir()
	t.Chdir(dir)
	makeSQLite(t, "db.sqlite3")
	// The examples of paths name no file of this machine.
	examplePath := strings.NewReplacer("/relative/db.sqlite3", "/db.sqlite3", "//absolute/folder", "/"+dir)

	seen := map[string]bool{}
	for _, row := range schemes {
		for _, name := range row.Names {
			if seen[name] || !isSchemeName(name) || name != strings.ToLower(name) {
				t.Errorf("%s: the name is given twice or is no name of a scheme", name)
			}
			seen[name] = true
			if !regexp.MustCompile(`\b` + regexp.QuoteMeta(strings.TrimPrefix(name, databaseCachePrefix)) + `\b`).MatchString(doc) {
				t.Errorf("%s is not in the package comment", name)
			}
		}
		kinds := 0
		for _, isKind := range []bool{row.store != nil, row.database != nil, row.cache != nil} {
			if isKind {
				kinds++
			}
		}
		if kinds != 1 {
			t.Errorf("%s is %d kinds of store", row.Names[0], kinds)
		}
		if !strings.HasPrefix(row.Example, row.Names[0]+"://") || !regexp.MustCompile(regexp.QuoteMeta(row.Example)+` +`+regexp.QuoteMeta(row.Description)).MatchString(doc) {
			t.Errorf("the package comment does not say that %s is %s", row.Example, row.Description)
		}
		for _, name := range row.options {
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(doc) {
				t.Errorf("%s: the package comment does not have the option %s", row.Names[0], name)
			}
		}

		_, rest, _ := strings.Cut(examplePath.Replace(row.Example), "://")
		for _, name := range row.Names {
			raw := name + "://" + rest
			u, err := parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			store, err := u.open(settings(t))
			if err != nil {
				t.Errorf("%s: %v", raw, err)
				continue
			}
			if _, isCache := store.(*cachestore.Store); isCache != row.IsCache() {
				t.Errorf("%s is a %T", raw, store)
			}
			if _, isTable := store.(*dbstore.Store); isTable != (row.database != nil) {
				t.Errorf("%s is a %T", raw, store)
			}
			store.Close()
			slices.Sort(u.taken)
			if want := slices.Sorted(slices.Values(row.options)); !slices.Equal(u.taken, want) {
				t.Errorf("%s: opening it reads the options %q, and the table has %q", raw, u.taken, want)
			}
			if scheme, err := SchemeOf(strings.ToUpper(name) + "://"); err != nil || scheme.Example != row.Example {
				t.Errorf("%s: SchemeOf has %s, %v", name, scheme.Example, err)
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("there are %d names of schemes", len(seen))
	}
}

// What the table says of a URL, and what it says of a text that is none.
func TestSchemeOf(t *testing.T) {
	for raw, want := range map[string]Scheme{
		"postgres://h/d":               {},
		"mysql://h/d":                  {KeepsWallClock: true},
		"SQLite:///db":                 {KeepsWallClock: true, IsPath: true},
		"file:///dir":                  {IsPath: true},
		"redis://h":                    {},
		"filecache:///dir":             {IsPath: true},
		"dbcache+postgis://h/d":        {},
		"dbcache+mariadb://h/d":        {KeepsWallClock: true},
		"dbcache+sqlite:///db?table=x": {KeepsWallClock: true, IsPath: true},
	} {
		got, err := SchemeOf(raw)
		if err != nil || got.IsPath != want.IsPath || got.KeepsWallClock != want.KeepsWallClock {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
		if wantCache := strings.Contains(raw, "cache") || strings.Contains(raw, "redis"); got.IsCache() != wantCache {
			t.Errorf("%s: IsCache is %v", raw, got.IsCache())
		}
	}
	for raw, want := range map[string]string{
		"":                   "it is empty",
		"main":               "want scheme://…",
		"u:hunter2@h://x":    "want scheme://…",
		"orakel://h/d":       `unknown scheme "orakel": want one of postgres, `,
		"oracle://h/d":       `unknown scheme "oracle": Oracle is not supported`,
		"dbcache+file:///d":  "unknown scheme",
		"redi://:hunter2@h/": "; or dbcache+ before that of a database",
	} {
		if _, err := SchemeOf(raw); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
}

func TestWithPassword(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"postgres://u@h:5432/d?sslmode=disable", "postgres://u:p%3A%2F%40%3F%23%25%20%2B@h:5432/d?sslmode=disable"},
		{"mysql://u@h", "mysql://u:p%3A%2F%40%3F%23%25%20%2B@h"},
		{"redis://h/1", "redis://:p%3A%2F%40%3F%23%25%20%2B@h/1"},
		{"rediss-cluster://a,b", "rediss-cluster://:p%3A%2F%40%3F%23%25%20%2B@a,b"},
		{"redis://u@h", "redis://u:p%3A%2F%40%3F%23%25%20%2B@h"},
		{"redis://:old@h", ""},
		{"postgres://u:old@h/d", ""},
		{"postgres://h/d?x=a@b", ""},
		{"sqlite:///a@b", ""},
		{"main", ""},
	} {
		got, err := WithPassword(test.url, "p:/@?#% +")
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: got %s, %v", test.url, got, err)
		}
		if err != nil {
			continue
		}
		if password, err := Password(got); err != nil || password != "p:/@?#% +" {
			t.Errorf("%s has the password %q, %v", got, password, err)
		}
	}
}

func TestWithOption(t *testing.T) {
	for raw, want := range map[string]string{
		"postgres://h/d":                      "postgres://h/d?table=a%26b",
		"postgres://h/d?sslmode=disable":      "postgres://h/d?sslmode=disable&table=a%26b",
		"postgres://h/d?t%61ble=x&sslmode=no": "postgres://h/d?sslmode=no&table=a%26b",
	} {
		if got := WithOption(raw, "table", "a&b"); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}

func TestResolve(t *testing.T) {
	for raw, want := range map[string]string{
		"sqlite:///a%20b%3F.sqlite3?timeout=1": "sqlite:////site/a%20b%3F.sqlite3?timeout=1",
		"FILE:///sessions":                     "FILE:////site/sessions",
		"dbcache+sqlite:///c?table=t":          "dbcache+sqlite:////site/c?table=t",
		"sqlite:////data/db.sqlite3":           "sqlite:////data/db.sqlite3",
		"postgres:///name":                     "postgres:///name",
		"sqlite:///":                           "sqlite:///",
	} {
		if got := Resolve(raw, "/site"); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}

func TestWithoutPassword(t *testing.T) {
	for rawURL, want := range map[string]string{
		"postgres://user:p%40ss@host/name?table=a": "postgres://user@host/name?table=a",
		"redis://:a:b@c@host,other:1/1":            "redis://@host,other:1/1",
		"redis://user@host/1":                      "redis://user@host/1",
		"sqlite:////a@b:c/d":                       "sqlite:////a@b:c/d",
		"postgres://host?user=a@b":                 "postgres://host?user=a@b",
	} {
		if got := WithoutPassword(rawURL); got != want {
			t.Errorf("%s: %s, want %s", rawURL, got, want)
		}
	}
}
