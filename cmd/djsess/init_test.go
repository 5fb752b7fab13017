package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// After "djsess init" and the command that it prints, the others need no flag in a folder that startproject made.
func TestInitStartProject(t *testing.T) {
	djangotest.NotShort(t, "it starts Pythons")
	for _, version := range djangotest.OldestAndNewest() {
		t.Run(version, func(t *testing.T) {
			p := startProject(t, version)
			p.run(t, nil, p.python, "manage.py", "migrate", "-v", "0", "sessions")
			said := p.init(t)
			p.wantWorking(t, "db")
			if !strings.Contains(said, "SECRET_KEY   to go into djsess-secret-key\n") || strings.Contains(said, "Left out") {
				t.Errorf("it says\n%s", said)
			}
		})
	}
}

// The sites of these rows differ in where their sessions and their secrets are.
func TestInit(t *testing.T) {
	djangotest.NotShort(t, "each row starts several Pythons")
	p := newProject(t, djangotest.Newest)
	redis := djangotest.RedisWith(t, djangotest.RedisOptions{Password: "hunter2 /?@"})
	const readEnv = `
import os
with open(os.path.join(os.path.dirname(__file__), "../../.env")) as f:
    os.environ.update(line.rstrip("\n").split("=", 1) for line in f)
`
	for _, row := range []struct {
		name, settings, env string
		main                bool     // also in make test
		engine              string   // of a site whose sessions the commands reach
		config              string   // what is in djsess.toml besides comments and settings_file
		says                []string // regular expressions
	}{
		{name: "variables of a .env", main: true, settings: readEnv + `SECRET_KEY = os.environ["SHOP_KEY"]
DATABASES["replica"] = {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "shop", "HOST": "replica.internal", "PASSWORD": os.environ["REPLICA_URL"].split(":")[2].split("@")[0]}
DATABASES["old"] = {"ENGINE": "django.db.backends.postgresql", "NAME": "old", "USER": "shop", "HOST": "old.internal", "PASSWORD": os.environ["OLD_PASSWORD"]}
`, env: "SHOP_KEY=a-key-of-the-shop-that-hunter2-wrote\nREPLICA_URL=postgres://shop:hunter2@replica.internal/shop\nUSER=marmalade\nOLD_PASSWORD=marmalade\n",
			engine: "db", config: `[settings]
SECRET_KEY_VARIABLE = "SHOP_KEY"

[stores.database-replica]
url = "postgres://shop@replica.internal/shop"
password_variable = "REPLICA_URL"

[stores.database-old]
url = "postgres://shop@old.internal/old"
password_variable = "OLD_PASSWORD"
`, says: []string{`SECRET_KEY +in SHOP_KEY in .*/\.env`, `password +DATABASES\['old'\]\['PASSWORD'\]: in OLD_PASSWORD in .*/\.env`}},
		{name: "the SECRET_KEY of a .env, with a fallback", settings: readEnv + `SECRET_KEY = os.environ["SECRET_KEY"]
SECRET_KEY_FALLBACKS = os.environ["SECRET_KEY_FALLBACKS"].split(",")
`, env: "SECRET_KEY=hunter2-and-more\nSECRET_KEY_FALLBACKS=hunter2-of-old,hunter2-older\n", engine: "db",
			says: []string{`SECRET_KEY +in SECRET_KEY in .*/\.env`}},
		{name: "fallbacks that no .env has", settings: `SECRET_KEY_FALLBACKS = ["hunter2-of-old", "hunter2-older"]`, env: "SECRET_KEY=hunter2-of-another-site\n",
			engine: "db", config: "[settings]\nSECRET_KEY_FILE = \"djsess-secret-key\"\n",
			says: []string{`write SECRET_KEY and SECRET_KEY_FALLBACKS into djsess-secret-key, and keep that file out of version control:`}},
		{name: "several databases", settings: `
DATABASES["legacy"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "legacy.sqlite3"}
DATABASES["other"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "other.sqlite3"}
DATABASES["oracle"] = {"ENGINE": "django.db.backends.oracle", "NAME": "x", "USER": "x"}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}, "pages": {"BACKEND": "accounts.other.Pages"}, "broken": {"BACKEND": "absent.Cache"},
    "shared cache": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "/srv/cache"}}
DATABASE_ROUTERS = ["accounts.routers.Router"]
`, engine: "db", config: "[settings]\nSECRET_KEY_FILE = \"djsess-secret-key\"\n" + `
[stores.database-legacy]
url = "sqlite:///DIR/legacy.sqlite3"

[stores."cache-shared cache"]
url = "filecache:////srv/cache"
`, says: []string{`other store +database-legacy, of DATABASES\['legacy'\]`, `Left out:
  DATABASES\['oracle'\]: djsess has no store for the database oracle
  CACHES\['pages'\]: djsess has no store for the cache accounts.other.Pages
  CACHES\['broken'\]: the site's own code fails with InvalidCacheBackendError`}},
		{name: "django-redis with a password, behind a table of the site's own", main: true, settings: fmt.Sprintf(`
SESSION_ENGINE = "accounts.sessions"
INSTALLED_APPS += ["accounts"]
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": %q, "KEY_PREFIX": "shop"},
    "Pages' cache/2": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": ["redis://:hunter2-of-pages@pages.internal:6379/2"]}}
`, redis.URL+","+redis.URL), engine: "cached_db", config: `[settings]
SECRET_KEY_FILE = "djsess-secret-key"

[stores.site-database.columns]
account_id = { type = "integer", value = "_auth_user_id" }
kind = { constant = "web" }
seen = "now"

[stores.site-cache]
password_file = "djsess-site-cache-password"

[stores."cache-Pages' cache/2"]
url = "redis://pages.internal:6379/2?client=django-redis"
password_file = "djsess-cache-Pages' cache-2-password"
`, says: []string{`sessions +cached_db, redis://.*client=django-redis.* over sqlite://.*table=account_sessions`, `write the password of CACHES\['default'\]\['LOCATION'\] into djsess-site-cache-password:`}},
		{name: "django-redis, whose password is in the environment's URL", settings: readEnv + `
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": os.environ["REDIS"]}}
`, env: "REDIS=" + redis.URL + "\n", engine: "cache", config: `[settings]
SECRET_KEY_FILE = "djsess-secret-key"

[stores.site]
password_variable = "REDIS"

[stores.database]
url = "sqlite:///DIR/mysite/db.sqlite3"
`, says: []string{`password +CACHES\['default'\]\['LOCATION'\]: in REDIS in .*/\.env`}},
		{name: "signed cookies", settings: `SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"`, config: `[settings]
SECRET_KEY_FILE = "djsess-secret-key"

[stores.database]
url = "sqlite:///DIR/mysite/db.sqlite3"
`, says: []string{`sessions +signed_cookies: its sessions are in the visitors' cookies and in no store: djsess decode --cookie reads them`}},
		{name: "an engine and a serializer of a third party", settings: `
SESSION_ENGINE = "accounts.other"
SESSION_SERIALIZER = "accounts.other.Both"
`, config: `[settings]
SECRET_KEY_FILE = "djsess-secret-key"
SESSION_SERIALIZER = ["json", "pickle"]

[stores.database]
url = "sqlite:///DIR/mysite/db.sqlite3"
`, says: []string{`To do:\n(.*\n)*  djsess has no store for accounts.other: this is an engine of a third party`, `Both, which writes json and reads pickle`}},
	} {
		if !row.main && !djangotest.Everything() {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			p.sessionTables(t)
			for _, file := range []string{".env", secretKeyFile, "djsess-site-cache-password"} {
				os.Remove(filepath.Join(p.dir, file))
			}
			if row.env != "" {
				p.write(t, ".env", row.env)
			}
			p.write(t, "accounts/routers.py", "class Router:\n    def allow_migrate(self, db, *args, **kwargs):\n        return db != 'other'\n")
			p.write(t, "accounts/other.py", `
import json, pickle
from django.core.cache.backends.base import BaseCache
from django.contrib.sessions.backends.base import SessionBase as SessionStore
class Pages(BaseCache):
    def __init__(self, location, params):
        super().__init__(params)
class Both:
    def dumps(self, obj):
        return json.dumps(obj).encode()
    def loads(self, data):
        return pickle.loads(data) if data[:1] == b"\x80" else json.loads(data)
`)
			p.settings(t, row.settings)
			if strings.Contains(row.settings, "accounts.sessions") {
				p.ownTable(t)
			}
			said := p.init(t)
			for _, want := range row.says {
				if !regexp.MustCompile(want).MatchString(said) {
					t.Errorf("it does not say %s:\n%s", want, said)
				}
			}
			config := p.read(t, configName)
			want := strings.ReplaceAll(row.config, "DIR", p.dir)
			if got := withoutComments(config); got != "settings_file = \"djsess-settings.json\"\n\n"+want && got != "settings_file = \"djsess-settings.json\"\n"+want {
				t.Errorf("djsess.toml has\n%s\nwant\n%s", got, want)
			}
			if text := said + config + p.read(t, settingsName); strings.Contains(text, "hunter2") || strings.Contains(text, "marmalade") {
				t.Errorf("a secret is shown:\n%s", text)
			}
			if row.engine != "" {
				p.wantWorking(t, row.engine)
			}
		})
	}
}

// ownTable gives the table of accounts.sessions columns that its class fills.
func (p project) ownTable(t *testing.T) {
	t.Helper()
	models := strings.ReplaceAll(p.read(t, "accounts/models.py"), "    account_id =", "    kind = models.CharField(max_length=9)\n    seen = models.DateTimeField(auto_now=True)\n    account_id =")
	p.write(t, "accounts/models.py", models)
	p.write(t, "accounts/sessions.py", p.read(t, "accounts/sessions.py")+`
    def create_model_instance(self, data):
        row = super().create_model_instance(data)
        row.account_id, row.kind = data.get("_auth_user_id"), "web"
        return row
`)
}

// sessionTables makes a database with empty tables of sessions: Django's and the site's own.
func (p project) sessionTables(t *testing.T) {
	t.Helper()
	settings, err := djsession.NewSettings("6.1", "a key")
	if err != nil {
		t.Fatal(err)
	}
	emptyDatabase(t, p.dir, "mysite/db.sqlite3", settings)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.dir, "mysite/db.sqlite3"))
	if err == nil {
		_, err = db.Exec(`CREATE TABLE account_sessions (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date datetime NOT NULL,
			kind varchar(9) NOT NULL, seen datetime NOT NULL, account_id integer NULL)`)
		db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p project) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// withoutComments returns the lines of a djsess.toml that are no comments, and one empty line between tables.
func withoutComments(text string) string {
	text = regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(text, "")
	return strings.TrimRight(regexp.MustCompile(`\n{3,}`).ReplaceAllString(text, "\n\n"), "\n") + "\n"
}

var makesFile = regexp.MustCompile(`(?m)^    (\(umask 077; .*)$`)

// init runs "djsess init", and then the commands that it prints.
func (p project) init(t *testing.T) (said string) {
	t.Helper()
	said, _ = p.run(t, unset, "djsess", "init", "--force", "--python", p.python)
	for _, command := range makesFile.FindAllStringSubmatch(said, -1) {
		p.run(t, nil, "sh", "-c", command[1])
	}
	return said
}

// unset removes the variables of the tests' environment.
var unset = []string{"DJANGO_SECRET_KEY=", "DATABASE_URL=", "DJSESS_STORE="}

// wantWorking lists, creates and reads sessions without a flag. Django reads what was created.
func (p project) wantWorking(t *testing.T, engine string) {
	t.Helper()
	session, _ := p.run(t, unset, "djsess", "create", "color=red", `_auth_user_id=7`)
	session = strings.TrimSpace(session)
	if out, _ := p.run(t, unset, "djsess", "get", session); !strings.Contains(out, "engine   "+engine+" ") || !strings.Contains(out, `"color": "red"`) {
		t.Errorf("djsess get prints\n%s", out)
	}
	if out, _ := p.run(t, unset, "djsess", "list"); !strings.Contains(out, session) {
		t.Errorf("djsess list prints\n%s", out)
	}
	out, _ := p.run(t, nil, p.python, "manage.py", "shell", "-v", "0", "-c", fmt.Sprintf(`
from importlib import import_module
from django.conf import settings
s = import_module(settings.SESSION_ENGINE).SessionStore(%q)
print(s.get("color"), *[row for row in (type(s).get_model_class().objects.filter(pk=s.session_key).values_list("account_id", "kind") if hasattr(s, "create_model_instance") and "accounts" in settings.SESSION_ENGINE else [])])`, session))
	want := "red"
	if engine == "cached_db" {
		want = "red (7, 'web')"
	}
	if got := strings.TrimSpace(out); got != want {
		t.Errorf("Django reads %q, want %q", got, want)
	}
}

// A site that does not start: the last line says why, and shows no secret. Nothing is written.
func TestInitOfBrokenSites(t *testing.T) {
	djangotest.NotShort(t, "each row starts a Python")
	p := newProject(t, djangotest.Newest)
	rows := []struct{ settings, want string }{
		{"import absent_package", `ModuleNotFoundError: No module named 'absent_package' \(.*/mysite/settings/live.py, line 3\)`},
		{"import os\nos.environ['SHOP_TOKEN'] = 'hunter2'\nint(os.environ['SHOP_TOKEN'])", `ValueError: invalid literal for int\(\) with base 10: '...' \(`},
		{"raise ValueError('no such host: redis://u:hunter2@h/1\\nsee the manual')", `ValueError: no such host: redis://u:...@h/1 see the manual \(`},
		{"SECRET_KEY = ''", `ImproperlyConfigured: The SECRET_KEY setting must not be empty`},
		{"this is no Python", `SyntaxError: .*\(live.py, line 3\)`},
		{"raise SystemExit('set SHOP_MODE first')", "set SHOP_MODE first"},
	}
	if !djangotest.Everything() {
		rows = rows[:3]
	}
	for _, row := range rows {
		p.settings(t, row.settings)
		stdout, stderr, err := p.try(unset, "djsess", "init", "--python", p.python)
		lines := strings.Split(stderr, "\n")
		if err == nil || stdout != "" || !regexp.MustCompile(`^djsess: the settings of .*manage.py could not be read by .*: exit status 1: `+row.want).MatchString(lines[0]) {
			t.Errorf("%s: %v\n%s", row.settings, err, stderr)
		}
		if strings.Contains(stderr, "hunter2") || len(lines) != 3 {
			t.Errorf("%s:\n%s", row.settings, stderr)
		}
	}
	for _, name := range []string{configName, settingsName} {
		if _, err := os.Stat(filepath.Join(p.dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// If the second file cannot get its name, the first is as before.
func TestWriteTogether(t *testing.T) {
	for name, before := range map[string]string{"none before": "", "one before": "old"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
			if before != "" {
				if err := os.WriteFile(first, []byte(before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			files := []*newFile{{wholeFile{path: first, force: true}, []byte("new")}, {wholeFile{path: second}, []byte("new")}}
			if err := os.WriteFile(second, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := writeTogether(files); err == nil {
				t.Fatal("it replaced a file")
			}
			entries, err := os.ReadDir(dir)
			data, _ := os.ReadFile(first)
			if err != nil || string(data) != before || len(entries) > 1+len(before) {
				t.Errorf("%v, %q, %v", entries, data, err)
			}
		})
	}
}

// Init names the place where the next command will find the site's SECRET_KEY, and no other.
func TestFindSecretKey(t *testing.T) {
	const key, older, none = "the-key-of-the-site", "an-older-key", "to go into djsess-secret-key"
	for _, row := range []struct {
		name, file, flag, dotenv, environment string
		fallbacks                             []string
		want                                  string
	}{
		{name: "nowhere", want: none},
		{name: "a file that is named", file: "key", flag: key, want: "in key"},
		{name: "a file with the fallback", file: "key", flag: key + "\n" + older, fallbacks: []string{older}, want: "in key"},
		{name: "a file without the fallback", file: "key", flag: key, fallbacks: []string{older}, want: "--secret-key-file"},
		{name: "a file of another key", file: "key", flag: older, want: "--secret-key-file"},
		{name: "the file of an earlier init", file: secretKeyFile, flag: key, want: "in " + secretKeyFile},
		{name: "the environment", environment: "DJANGO_SECRET_KEY=" + key, want: "in $DJANGO_SECRET_KEY, which"},
		{name: "the environment, without the fallback", environment: "DJANGO_SECRET_KEY=" + key, fallbacks: []string{older}, want: none},
		{name: "another key in the environment", environment: "DJANGO_SECRET_KEY=" + older, dotenv: "SECRET_KEY=" + key, want: "in SECRET_KEY in "},
		{name: "a variable of the site's own", environment: "SHOP_KEY=" + key, want: "in $SHOP_KEY"},
		{name: "… in a .env", environment: "SHOP_KEY=" + key, dotenv: "SITE_KEY=" + key, want: "in SITE_KEY in "},
		{name: "a variable whose name is no secret's", environment: "SHOP=" + key, want: none},
		{name: "a .env of another site", dotenv: "SECRET_KEY=" + older, want: none},
		{name: "a .env that its readers do not read alike", dotenv: "SECRET_KEY=" + key + " # the key", want: none},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, name := range unset {
				t.Setenv(strings.TrimSuffix(name, "="), "")
			}
			a := &app{stderr: io.Discard}
			write := func(name, text string) {
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("manage.py", "")
			if row.dotenv != "" {
				write(".env", row.dotenv)
			}
			if row.file != "" {
				write(row.file, row.flag)
			}
			if row.file == "key" {
				a.flags.secretKeyFile = row.file
			}
			if name, value, ok := strings.Cut(row.environment, "="); ok {
				t.Setenv(name, value)
			}
			p := &initPlan{found: &foundSite{randomText: "random", SecretKey: fingerprintOf(key)}}
			for _, fallback := range row.fallbacks {
				p.found.Fallbacks = append(p.found.Fallbacks, fingerprintOf(fallback))
			}
			place, err := p.findSecretKey(a)
			if got := place.found + fmt.Sprint(err); !strings.HasPrefix(got, row.want) || strings.Contains(got+fmt.Sprint(p.todo), key) {
				t.Errorf("%q, %v; to do %q", place.found, err, p.todo)
			}
		})
	}
}

// fingerprintOf returns the site's fingerprint of a secret.
func fingerprintOf(secret string) fingerprint {
	mac := hmac.New(sha256.New, []byte("random"))
	mac.Write([]byte(secret))
	return fingerprint(hex.EncodeToString(mac.Sum(nil)))
}
