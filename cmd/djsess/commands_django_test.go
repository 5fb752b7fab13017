package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// siteEngine is a place where a Django keeps sessions.
type siteEngine struct {
	name string
	// start returns the settings of the Django, and those of djsess.toml that name the store.
	start func(t *testing.T) (django djangotest.Settings, config string)
	// oldest is the first Django of the test whose clients have the engine; "" is the oldest.
	oldest string
	// endsByItself: the store removes expired sessions.
	endsByItself bool
}

const backends = "django.contrib.sessions.backends."

var siteEngines = []siteEngine{
	{name: "PostgreSQL", start: inTable(djangotest.Postgres)},
	{name: "MariaDB", start: inTable(djangotest.MariaDB)},
	{name: "SQLite", start: inTable(djangotest.SQLite)},
	{name: "file", start: func(t *testing.T) (djangotest.Settings, string) {
		folder := t.TempDir()
		return djangotest.Settings{"DATABASES": djangotest.SQLite(t).Settings(), "SESSION_ENGINE": backends + "file", "SESSION_FILE_PATH": folder},
			fmt.Sprintf("store = %q\n", "file:///"+filepath.ToSlash(folder))
	}},
	{name: "Redis", oldest: "3.2", endsByItself: true, start: func(t *testing.T) (djangotest.Settings, string) {
		redis := djangotest.Redis(t)
		return djangotest.Settings{"DATABASES": djangotest.SQLite(t).Settings(), "SESSION_ENGINE": backends + "cache", "CACHES": djangotest.Caches(redis.DjangoRedis())},
			fmt.Sprintf("store = %q\n", redis.URL+"?client=django-redis")
	}},
	{name: "cached_db", oldest: "3.2", start: func(t *testing.T) (djangotest.Settings, string) {
		db, redis := djangotest.Postgres(t), djangotest.Redis(t)
		return djangotest.Settings{"DATABASES": db.Settings(), "SESSION_ENGINE": backends + "cached_db", "CACHES": djangotest.Caches(redis.DjangoRedis())},
			fmt.Sprintf("store = \"site\"\n[stores.site]\nengine = \"cached_db\"\ncache = %q\ndatabase = %q\n", redis.URL+"?client=django-redis", db.URL)
	}},
}

func inTable(newDatabase func(testing.TB) djangotest.Database) func(*testing.T) (djangotest.Settings, string) {
	return func(t *testing.T) (djangotest.Settings, string) {
		db := newDatabase(t)
		return djangotest.Settings{"DATABASES": db.Settings()}, fmt.Sprintf("store = %q\n", db.URL)
	}
}

// visitorCode logs users in and answers requests, as the middleware of Django does.
const visitorCode = `
from django.contrib.auth import get_user, login
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse

def visit(key):
	request = HttpRequest()
	request.META["SERVER_NAME"], request.META["SERVER_PORT"] = "testserver", "80"
	if key:
		request.COOKIES[settings.SESSION_COOKIE_NAME] = key
	SessionMiddleware(lambda request: HttpResponse()).process_request(request)
	return request

def log_in(pk):
	request = visit(None)
	login(request, User.objects.get(pk=pk), backend="django.contrib.auth.backends.ModelBackend")
	request.session.save()
	return request.session.session_key

def store(life, **values):
	s = SessionStore()
	s.update(values)
	s.set_expiry(life)
	s.save()
	return s.session_key
`

// The commands on the sessions of a real Django, and what Django sees of them at the next request: the user who was
// revoked is anonymous, and another is not.
func TestCommandsWithDjango(t *testing.T) {
	djangotest.NotShort(t, "TestRoundTripWithDjango starts a Django")
	engines := siteEngines
	if !djangotest.Everything() {
		engines = engines[len(engines)-1:] // the other commands and stores have tests in package ops and above
	}
	for _, engine := range engines {
		versions := []string{djangotest.Newest}
		if djangotest.Everything() {
			versions = []string{cmp.Or(engine.oldest, djangotest.Versions[0]), djangotest.Newest}
		}
		for _, version := range versions {
			t.Run(engine.name+"/"+version, func(t *testing.T) {
				t.Parallel()
				testCommands(t, engine, version)
			})
		}
	}
}

func testCommands(t *testing.T, engine siteEngine, version string) {
	settings, config := engine.start(t)
	settings["USE_TZ"] = true
	django := djangotest.Start(t, version, settings)
	var keys struct{ Alice, Bob, Visitor string }
	django.Do(t, visitorCode, nil, nil)
	django.Do(t, `
		migrate()
		for i, name in enumerate(["alice", "bob"]):
			User.objects.create(pk=i + 1, username=name, password="pbkdf2_sha256$1$salt$aGFzaA==", is_active=True)
		result = {"Alice": log_in(1), "Bob": log_in(2), "Visitor": store(3600, cart=["tea"])}
	`, nil, &keys)
	site := &commandSite{Django: django, config: filepath.Join(t.TempDir(), "djsess.toml")}
	more := fmt.Sprintf("[settings]\nDJANGO_VERSION = %q\nUSE_TZ = true\nSECRET_KEY = %q\n", version, djangotest.SecretKey)
	if engine.endsByItself || engine.name == "file" {
		more += fmt.Sprintf("[users]\ntable = \"auth_user\"\nstore = %q\n", "sqlite:///"+settings["DATABASES"].(map[string]any)["default"].(map[string]any)["NAME"].(string))
	} else {
		more += "[users]\ntable = \"auth_user\"\n"
	}
	if err := os.WriteFile(site.config, []byte(config+more), 0o600); err != nil {
		t.Fatal(err)
	}
	wantUsers := func(when string, alice, bob int) {
		t.Helper()
		var got [2]int
		site.Do(t, `result = [get_user(visit(key)).pk or 0 for key in args]`, []string{keys.Alice, keys.Bob}, &got)
		if got != [2]int{alice, bob} {
			t.Errorf("%s: to Django the visitors are the users %v, want %d and %d", when, got, alice, bob)
		}
	}

	// Commands that read.
	wantUsers("before", 1, 2) // a cached_db caches them
	if lines := site.lines(t, "list"); len(lines) != 3 {
		t.Errorf("list: %d sessions", len(lines))
	}
	for _, args := range [][]string{{"--user", "1"}, {"--username", "alice"}, {"--sort", "user", "--limit", "1"}} {
		if lines := site.lines(t, append([]string{"list"}, args...)...); len(lines) != 1 || lines[0]["key"] != keys.Alice || lines[0]["user_id"] != "1" {
			t.Errorf("list %v: %v", args, lines)
		}
	}
	if lines := site.lines(t, "list", "--anonymous", "--has", "cart"); len(lines) != 1 || lines[0]["key"] != keys.Visitor {
		t.Errorf("list --anonymous: %v", lines)
	}
	if got := site.lines(t, "get", keys.Bob)[0]; got["user_id"] != "2" {
		t.Errorf("get: %v", got)
	}
	if got := site.lines(t, "stats")[0]; got["live"] != 3.0 || got["logged_in"] != 2.0 || got["anonymous"] != 1.0 {
		t.Errorf("stats: %v", got)
	}
	if got := site.lines(t, "verify")[0]; got["read"] != 3.0 || got["unreadable"] != 0.0 {
		t.Errorf("verify: %v", got)
	}

	// Commands that write.
	site.run(t, "set", keys.Bob, `cart:=["coffee"]`)
	site.run(t, "unset", keys.Visitor, "cart")
	created := strings.TrimSpace(site.run(t, "create", "plan=gold"))
	var seen []any
	site.Do(t, `result = [SessionStore(args[0]).get("cart"), SessionStore(args[1]).get("cart"), SessionStore(args[2]).get("plan")]`,
		[]string{keys.Bob, keys.Visitor, created}, &seen)
	if fmt.Sprint(seen) != "[[coffee] <nil> gold]" {
		t.Errorf("after set, unset and create Django has %v", seen)
	}
	wantUsers("after set", 1, 2)
	if got := site.lines(t, "revoke", "--username", "alice", "--yes")[0]; got["revoked"] != 1.0 {
		t.Errorf("revoke: %v", got)
	}
	wantUsers("after revoke", 0, 2)
	expired := 3.0
	if engine.endsByItself {
		expired = 0
	}
	site.Do(t, `
		for i in range(3):
			store(-300, i=i)
	`, nil, nil)
	if got := site.lines(t, "clear-expired")[0]; got["removed"] != expired {
		t.Errorf("clear-expired: %v", got)
	}
	if lines := site.lines(t, "list", "--all"); len(lines) != 3 {
		t.Errorf("after clear-expired %d sessions are stored", len(lines))
	}
	wantUsers("after clear-expired", 0, 2)
	site.run(t, "delete", keys.Bob)
	wantUsers("after delete", 0, 0)
}

// commandSite is a live Django, and the configuration of its store.
type commandSite struct {
	*djangotest.Django
	config string
}

// run runs the command in this process, and returns what it prints.
func (s *commandSite) run(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr strings.Builder
	if status := run(append(args, "--config", s.config), strings.NewReader(""), &stdout, &stderr, time.Now); status != done {
		t.Fatalf("djsess %s: status %d\n%s", args[0], status, stderr.String())
	}
	return stdout.String()
}

// lines returns the objects that the command prints.
func (s *commandSite) lines(t *testing.T, args ...string) (objects []map[string]any) {
	t.Helper()
	for line := range strings.Lines(s.run(t, append(args, "-o", "json")...)) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	return objects
}
