package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/sitefile"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// project is a project that startproject made. That of newProject has a package of settings of which
// manage.py chooses one.
type project struct{ dir, python string }

func startProject(t *testing.T, version string) project {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := project{dir, djangotest.Python(t, version)}
	p.run(t, nil, p.python, "-m", "django", "startproject", "mysite", ".")
	return p
}

func newProject(t *testing.T, version string) project {
	t.Helper()
	p := startProject(t, version)
	settings := filepath.Join(p.dir, "mysite", "settings")
	if err := os.Mkdir(settings, 0o755); err != nil {
		t.Fatal(err)
	}
	p.move(t, "mysite/settings.py", "mysite/settings/base.py")
	p.write(t, "mysite/settings/__init__.py", "")
	p.settings(t, "")
	manage, err := os.ReadFile(filepath.Join(p.dir, "manage.py"))
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "manage.py", strings.ReplaceAll(string(manage), "mysite.settings", "mysite.settings.live"))
	p.write(t, "accounts/__init__.py", "")
	p.write(t, "accounts/models.py", `
import uuid
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

class Member(AbstractBaseUser):
    number = models.UUIDField(primary_key=True, default=uuid.uuid4, db_column="nr")
    email = models.EmailField(unique=True, db_column="mail")
    last_login = None
    USERNAME_FIELD = "email"
    class Meta:
        db_table = "members"
    def get_session_auth_hash(self):
        return "of its own"

class AccountSession(AbstractBaseSession):
    account_id = models.IntegerField(null=True)
    class Meta:
        db_table = "account_sessions"
`)
	p.write(t, "accounts/sessions.py", `
from django.contrib.sessions.backends.cached_db import SessionStore as CachedDB

class SessionStore(CachedDB):
    cache_key_prefix = "accounts.sessions"

    @classmethod
    def get_model_class(cls):
        from accounts.models import AccountSession
        return AccountSession
`)
	return p
}

// settings changes what the site's settings add to those of startproject.
func (p project) settings(t *testing.T, added string) {
	t.Helper()
	p.write(t, "mysite/settings/live.py", "from .base import *\nfrom pathlib import Path\n"+added)
}

func (p project) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(p.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (p project) move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(p.dir, from), filepath.Join(p.dir, to)); err != nil {
		t.Fatal(err)
	}
}

// run runs a program in the project's folder.
func (p project) run(t *testing.T, env []string, name string, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, err := p.try(env, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr)
	}
	return stdout, stderr
}

func (p project) try(env []string, name string, args ...string) (stdout, stderr string, err error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = p.dir
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); name != "DJANGO_SETTINGS_MODULE" && name != "VIRTUAL_ENV" {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// "djsess settings" writes what each of these sites has, and no secret.
func TestSiteSettings(t *testing.T) {
	const cached = `SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
`
	redis := `CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": ["redis://:hunter2@cache.internal:6379/1", "redis://:hunter2@replica.internal/1"], "KEY_PREFIX": "shop", "VERSION": 2,
    "OPTIONS": {"SERIALIZER": "django_redis.serializers.json.JSONSerializer", "COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor", "PASSWORD": "hunter2"}}}
`
	rows := []struct {
		name, settings string
		want           sitefile.Store
		leftOut        string // a regular expression
	}{
		{"startproject", `print("the site prints this")`, sitefile.Store{Engine: "db", URL: "sqlite:///DIR/mysite/db.sqlite3"}, `^SECRET_KEY: a secret$`},
		{"SQLite with a zone", `DATABASES["default"]["TIME_ZONE"] = "Asia/Kolkata"`,
			sitefile.Store{Engine: "db", URL: "sqlite:///DIR/mysite/db.sqlite3?time_zone=Asia%2FKolkata"}, `SECRET_KEY`},
		{"PostgreSQL", `DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "o'hara@x", "PASSWORD": "hunter2", "HOST": "db.internal", "PORT": 5433,
    "OPTIONS": {"sslmode": "require", "sslkey": "/etc/hunter2.key", "isolation_level": 3}}}`,
			sitefile.Store{Engine: "db", URL: "postgres://o%27hara%40x@db.internal:5433/shop?sslmode=require"},
			`DATABASES\['default'\]\['OPTIONS'\]\['sslkey'\]: a secret\n.*isolation_level.*\n.*PASSWORD'\]: a secret|PASSWORD'\]: a secret\n(.*\n)*.*sslkey'\]: a secret`},
		{"cached_db in django-redis", cached + redis,
			sitefile.Store{Engine: "cached_db", URL: "sqlite:///DIR/mysite/db.sqlite3",
				Cache: "redis://cache.internal:6379/1?client=django-redis&serializer=json&compressor=zlib&replica=replica.internal%3A6379&prefix=shop&version=2"},
			`LOCATION'\]: the password in the URL\n.*OPTIONS'\]\['PASSWORD'\]: a secret`},
		{"cached_db in MySQL and Memcached", cached + `DATABASES = {"default": {"ENGINE": "django.db.backends.mysql", "NAME": "shop", "USER": "shop", "PASSWORD": "hunter2", "HOST": "::1",
    "OPTIONS": {"charset": "utf8mb4", "ssl": {"ca": "/etc/ca.pem"}, "ssl_mode": "VERIFY_CA"}}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.memcached.PyLibMCCache", "LOCATION": "h1:11211,h2:11211"}}`,
			sitefile.Store{Engine: "cached_db", URL: "mysql://shop@[::1]/shop?charset=utf8mb4&ssl_mode=VERIFY_CA&ssl-ca=%2Fetc%2Fca.pem",
				Cache: "memcached://h1:11211,h2:11211?hash=pylibmc"}, `PASSWORD'\]: a secret`},
		{"an options file of MySQL, and a socket of Memcached", cached + `DATABASES = {"default": {"ENGINE": "django.db.backends.mysql", "OPTIONS": {"read_default_file": "/etc/my.cnf"}}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": "unix:/run/memcached.sock"}}`,
			sitefile.Store{Engine: "cached_db", Cache: "memcached:///run/memcached.sock?hash=pymemcache"}, `does not read the file that says where`},
		{"several PostgreSQLs, and secrets in unusual places", cached + `DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "h1,h2", "PORT": "5432,5433",
    "OPTIONS": {"sslmode": "require", "channel_binding": "require", "options": "-c search_path=api,public -c app.token=hunter2"}}}
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://:hun;hunter2@h/1", "OPTIONS": {"username": "shop"}}}
LOGIN_URL = "nowhere"`,
			sitefile.Store{Engine: "cached_db", URL: "postgres:///shop?sslmode=require&channel_binding=require&options=-c%20search_path%3Dapi%2Cpublic&host=h1%2Ch2&port=5432%2C5433",
				Cache: "redis://h/1?client=django-redis&username=shop"},
			`LOGIN_URL: the URLconf has no nowhere\n(.*\n)*.*the value of app.token, a secret\n(.*\n)*.*the password in the URL`},
		{"a service of PostgreSQL, and a password that is not encoded", cached + `DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "OPTIONS": {"service": "shop"}}}
CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://:hun?hunter2@h/1"}}`,
			sitefile.Store{Engine: "cached_db", URL: "postgres:///?service=shop"}, `an @ after the \?`},
		{"DatabaseCache", strings.ReplaceAll(cached, "cached_db", "cache") +
			`CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": '"main"."site_cache"'}}`,
			sitefile.Store{Engine: "cache", URL: "dbcache+sqlite:///DIR/mysite/db.sqlite3?table=main.site_cache"}, `SECRET_KEY`},
		{"LocMemCache", strings.ReplaceAll(cached, "cached_db", "cache"), sitefile.Store{Engine: "cache"}, `djsess has no store for the cache .*LocMemCache`},
		{"files", strings.ReplaceAll(cached, "cached_db", "file") + `SESSION_FILE_PATH = Path("/srv/site sessions")`,
			sitefile.Store{Engine: "file", URL: "file:////srv/site%20sessions"}, `SECRET_KEY`},
		{"session model and cache of its own", `SESSION_ENGINE = "accounts.sessions"
INSTALLED_APPS += ["accounts"]
AUTH_USER_MODEL = "accounts.Member"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "/srv/cache"}}`,
			sitefile.Store{Engine: "cached_db", URL: "sqlite:///DIR/mysite/db.sqlite3?table=account_sessions", Cache: "filecache:////srv/cache?session_prefix=accounts.sessions"},
			`store: the session table's columns account_id, which djsess must be told how to fill`},
		{"signed cookies", strings.ReplaceAll(cached, "cached_db", "signed_cookies"), sitefile.Store{Engine: "signed_cookies"}, `SECRET_KEY`},
	}
	versions := djangotest.OldestAndNewest()
	for _, version := range versions {
		p := newProject(t, version)
		secretKey := p.secretKey(t)
		for i, row := range rows {
			switch {
			case version != versions[len(versions)-1] && i > 0:
				continue // the rows differ by the site, hardly by the release
			case testing.Short() && i > 0 && i != len(rows)-2:
				continue // each starts a Python
			}
			t.Run(version+"/"+row.name, func(t *testing.T) {
				p.settings(t, row.settings)
				file, text, stderr := p.describe(t)
				want := row.want
				want.URL = strings.ReplaceAll(want.URL, "DIR", p.dir)
				if file.Store != want {
					t.Errorf("store:\n got %+v\nwant %+v", file.Store, want)
				}
				if leftOut := strings.Join(file.LeftOut, "\n"); !regexp.MustCompile(row.leftOut).MatchString(leftOut) {
					t.Errorf("left out:\n%s", leftOut)
				}
				for _, leftOut := range file.LeftOut {
					if !strings.Contains(stderr, leftOut) {
						t.Errorf("stderr does not say %q:\n%s", leftOut, stderr)
					}
				}
				for _, secret := range []string{"hunter2", secretKey} {
					if strings.Contains(text, secret) {
						t.Errorf("the file holds %q:\n%s", secret, text)
					}
				}
			})
		}
		t.Run(version+"/settings of the site's own", func(t *testing.T) {
			p.settings(t, `
INSTALLED_APPS += ["accounts"]
AUTH_USER_MODEL = "accounts.Member"
SESSION_COOKIE_SECURE = SESSION_EXPIRE_AT_BROWSER_CLOSE = CSRF_USE_SESSIONS = True
CSRF_COOKIE_SECURE, SESSION_SAVE_EVERY_REQUEST = "on", None
SESSION_COOKIE_AGE = 3600.0
SESSION_COOKIE_SAMESITE = None
SESSION_COOKIE_DOMAIN = ".example.com"
CSRF_COOKIE_AGE = None
LOGIN_URL = "admin:login"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
ALLOWED_HOSTS = ["www.example.com"]
USE_TZ, TIME_ZONE = False, "Europe/Warsaw"
`)
			p.write(t, "mysite/urls.py", "from django.contrib import admin\nfrom django.urls import path\nurlpatterns = [path('staff/', admin.site.urls)]\n")
			file, _, _ := p.describe(t)
			if want := (sitefile.Users{Model: "accounts.Member", URL: "sqlite:///" + p.dir + "/mysite/db.sqlite3", Table: "members", ID: "nr", IDType: "uuid",
				Username: "mail", Password: "password", AuthHash: "own", InheritsFallbackHash: version >= "4.1"}); file.Users == nil || *file.Users != want {
				t.Errorf("users:\n got %+v\nwant %+v", file.Users, want)
			}
			if file.Site.LoginURL != "/staff/login/" || file.Site.SessionCookieSameSite != "" || file.Site.CSRFCookieAge != 0 || fmt.Sprint(file.Site.SecureProxySSLHeader) != "[HTTP_X_FORWARDED_PROTO https]" {
				t.Errorf("%+v", file.Site)
			}
			s, err := djsession.SettingsFromFile(filepath.Join(p.dir, "site.json"), "key")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(s.DjangoVersion, version+".") || s.UseTZ || s.TimeZone != "Europe/Warsaw" || s.SessionCookieAge.Hours() != 1 || !s.SessionCookieSecure || !file.Site.CSRFCookieSecure || s.SessionSaveEveryRequest ||
				!s.SessionExpireAtBrowserClose || s.SessionCookieDomain != ".example.com" || s.SessionCookieSameSite != "" {
				t.Errorf("%v %+v", s, file.Site)
			}
		})
	}
}

// describe runs "djsess settings" and reads the file.
func (p project) describe(t *testing.T) (file *sitefile.File, text, stderr string) {
	t.Helper()
	_, stderr = p.run(t, nil, "djsess", "settings", "--python", p.python, "-o", "site.json")
	data, err := os.ReadFile(filepath.Join(p.dir, "site.json"))
	if err != nil {
		t.Fatal(err)
	}
	if file, err = sitefile.Parse(data); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return file, string(data), stderr
}

var exportKey = regexp.MustCompile(`export DJANGO_SECRET_KEY="\$\(python (.+)\)"`)

// secretKey returns SECRET_KEY in the way that the README shows.
func (p project) secretKey(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	line := exportKey.FindStringSubmatch(string(readme))
	if line == nil {
		t.Fatal("the README has no way to SECRET_KEY")
	}
	out, _ := p.run(t, nil, "sh", "-c", p.python+" "+line[1])
	return strings.TrimSuffix(out, "\n")
}

// The command reads the store and the settings from the file: djsess.toml and the environment win.
func TestCommandReadsSettingsFile(t *testing.T) {
	djangotest.NotShort(t, "it starts Django six times")
	p := newProject(t, djangotest.Versions[len(djangotest.Versions)-1])
	p.settings(t, "SESSION_COOKIE_AGE = 7200\nUSE_TZ, TIME_ZONE = False, 'Asia/Tokyo'\nDATABASES['default']['NAME'] = 'live.sqlite3'\n")
	p.run(t, nil, p.python, "manage.py", "migrate", "-v", "0")
	p.describe(t)
	key := []string{"DJANGO_SECRET_KEY=" + p.secretKey(t), "DATABASE_URL=", "DJSESS_STORE="}
	lasts := func(session string) string {
		t.Helper()
		out, _ := p.run(t, nil, p.python, "manage.py", "shell", "-v", "0", "-c", fmt.Sprintf(`
from datetime import datetime
from django.contrib.sessions.models import Session
s = Session.objects.get(pk=%q)
print(round((s.expire_date - datetime.now()).total_seconds() / 3600), s.get_decoded())`, session))
		return strings.TrimSpace(out)
	}
	session, _ := p.run(t, key, "djsess", "--settings", "site.json", "create", "a=1")
	if got := lasts(strings.TrimSpace(session)); got != "2 {'a': '1'}" {
		t.Errorf("Django reads %q", got)
	}
	session, _ = p.run(t, nil, p.python, "manage.py", "shell", "-v", "0", "-c", `
from django.contrib.auth import get_user_model, login
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
r = HttpRequest()
r.session = SessionStore()
login(r, get_user_model().objects.create_user("zoe", password="p"), "django.contrib.auth.backends.ModelBackend")
r.session.save()
print(r.session.session_key)`)
	if got := userOf(t, filepath.Join(p.dir, "site.json"), p.secretKey(t), strings.TrimSpace(session)); got != "zoe" {
		t.Errorf("a program that was told the file alone takes the visitor for %q", got)
	}
	if got, _ := p.run(t, key, "djsess", "--settings", "site.json", "list", "--username", "zoe", "-o", "json"); !strings.Contains(got, strings.TrimSpace(session)) || strings.Count(got, "\n") != 1 {
		t.Errorf("zoe's sessions: %q", got)
	}
	p.write(t, "djsess.toml", "settings_file = \"site.json\"\n[settings]\nSESSION_COOKIE_AGE = 18000\n")
	session, _ = p.run(t, key, "djsess", "create", "a=1")
	if got := lasts(strings.TrimSpace(session)); got != "5 {'a': '1'}" {
		t.Errorf("with djsess.toml Django reads %q", got)
	}
	_, stderr, err := p.try(append(key, "DATABASE_URL=sqlite:///absent.sqlite3"), "djsess", "list")
	if err == nil || !strings.Contains(stderr, "absent.sqlite3") {
		t.Errorf("DATABASE_URL does not win: %v\n%s", err, stderr)
	}
}

// A site without a manage.py, such as one that was installed as a package.
func TestSettingsWithoutManage(t *testing.T) {
	djangotest.NotShort(t, "it starts a Python several times")
	p := newProject(t, djangotest.Versions[len(djangotest.Versions)-1])
	p.move(t, "manage.py", "other.py")
	p.write(t, "json.py", "raise SystemExit('a file of the current folder ran')\n")
	_, stderr, err := p.try(nil, "djsess", "settings", "--python", p.python)
	if err == nil || !strings.Contains(stderr, "there is no manage.py") {
		t.Errorf("%v\n%s", err, stderr)
	}
	elsewhere := project{t.TempDir(), p.python}
	elsewhere.write(t, "lib/site_settings.py", "SECRET_KEY = 'a'\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'a'}}\n"+
		"INSTALLED_APPS = ['django.contrib.sessions']\n")
	elsewhere.write(t, "json.py", "raise SystemExit('a file of the current folder ran')\n")
	out, _ := elsewhere.run(t, []string{"DJANGO_SETTINGS_MODULE=site_settings", "PYTHONPATH=" + filepath.Join(elsewhere.dir, "lib")}, "djsess", "settings", "--python", p.python)
	var file map[string]any
	if err := json.Unmarshal([]byte(out), &file); err != nil || file["users"] != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// userOf returns the name of a session's user, as a program knows it that was told only the file.
func userOf(t *testing.T, file, secretKey, session string) (name string) {
	t.Helper()
	settings, err := djsession.SettingsFromFile(file, secretKey)
	if err != nil {
		t.Fatal(err)
	}
	store, err := storeurl.OpenFromFile(file, settings)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	manager, err := djsession.NewManager(store)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := djauth.FromFile(file, store)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", settings.SessionCookieName+"="+session)
	w := httptest.NewRecorder()
	manager.WithSession(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
		user, err := auth.User(r)
		if user != nil {
			name = user.Username
		}
		return err
	}).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
	return name
}
