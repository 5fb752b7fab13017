package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// recipe is a page of docs/moving, whose commands a test runs as they stand there.
type recipe struct {
	dir   string
	shell map[string][]string // blocks of commands, by what stands behind "sh"
}

// openRecipe reads a page and writes its djsess.toml, with a store of the test.
func openRecipe(t *testing.T, page, storeURL string, keys ...string) *recipe {
	t.Helper()
	r := &recipe{dir: t.TempDir(), shell: map[string][]string{}}
	for _, block := range codeBlocks(t, "moving/"+page) {
		switch block.language {
		case "sh":
			r.shell[block.kind] = append(r.shell[block.kind], block.code)
		case "toml":
			config := regexp.MustCompile(`(?m)^store = .*$`).ReplaceAllLiteralString(block.code, `store = "`+storeURL+`"`)
			r.write(t, "djsess.toml", config)
		}
	}
	r.keys(t, keys...)
	return r
}

func (r *recipe) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *recipe) keys(t *testing.T, keys ...string) {
	t.Helper()
	r.write(t, "secret_key", strings.Join(keys, "\n")+"\n")
}

// set changes a setting in djsess.toml.
func (r *recipe) set(t *testing.T, name, value string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "djsess.toml"))
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^`+name+` = .*\n`).ReplaceAllLiteralString(string(text), "")
	r.write(t, "djsess.toml", strings.Replace(lines, "[settings]\n", "[settings]\n"+name+" = "+value+"\n", 1))
}

// run runs the next block of commands of a kind, which must print all of the texts.
func (r *recipe) run(t *testing.T, kind string, want ...string) {
	t.Helper()
	if len(r.shell[kind]) == 0 {
		t.Fatalf("the page has no more commands %q", kind)
	}
	commands := r.shell[kind][0]
	r.shell[kind] = r.shell[kind][1:]
	r.runText(t, commands, want...)
}

func (r *recipe) runText(t *testing.T, commands string, want ...string) {
	t.Helper()
	cmd := exec.Command("sh", "-ec", commands)
	cmd.Dir = r.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", commands, err, out)
	}
	for _, w := range want {
		if !regexp.MustCompile(w).Match(out) {
			t.Errorf("%sprints no %s:\n%s", commands, w, out)
		}
	}
}

func (r *recipe) isDone(t *testing.T) {
	t.Helper()
	for kind, left := range r.shell {
		if len(left) > 0 {
			t.Errorf("these commands %q of the page were not run: %q", kind, left)
		}
	}
}

const movingCode = `
	from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user

	def users():
		migrate()
		for name in ("alice", "bob"):
			User.objects.create(username=name, password="pbkdf2_sha256$1$salt$" + name)

	def log_in(name, **values):
		user = User.objects.get(username=name)
		s = SessionStore()
		s.update(values)
		s[SESSION_KEY], s[BACKEND_SESSION_KEY] = str(user.pk), "django.contrib.auth.backends.ModelBackend"
		s[HASH_SESSION_KEY] = user.get_session_auth_hash()
		s.save()
		return s.session_key

	def who(key):
		"""The user of a session, and a value of it. It ends no session."""
		s = SessionStore(key)
		s.flush = s.cycle_key = lambda: None
		class request:
			session = s
		return "%s %s" % (get_user(request).get_username() or "nobody", s.get("cart"))
`

// a worker is a Django on the database of a site.
func worker(t *testing.T, version string, db djangotest.Database, more djangotest.Settings) *liveSite {
	t.Helper()
	settings := djangotest.Settings{"DATABASES": db.Settings(), "USE_TZ": true}
	for name, value := range more {
		settings[name] = value
	}
	folder, err := filepath.Abs("../../docs/moving")
	if err != nil {
		t.Fatal(err)
	}
	s := &liveSite{Django: djangotest.Start(t, version, settings)}
	s.Do(t, `
		import sys, types
		sys.modules["mysite"] = types.ModuleType("mysite")
		sys.modules["mysite"].__path__ = [args]
	`, folder, nil)
	s.Do(t, movingCode, nil, nil)
	return s
}

// knows checks whom a worker takes the visitors with these session keys for.
func (s *liveSite) knows(t *testing.T, keys []string, want ...string) {
	t.Helper()
	var got []string
	s.Do(t, `result = [who(key) for key in args]`, keys, &got)
	if !slices.Equal(got, want) {
		t.Errorf("Django %s takes the visitors for %q, want %q", s.Version, got, want)
	}
}

func (s *liveSite) logIn(t *testing.T, name, cart string) (key string) {
	t.Helper()
	s.Do(t, `result = log_in(args[0], cart=eval(args[1]))`, []string{name, cart}, &key)
	return key
}

func TestMovingSecretKey(t *testing.T) {
	djangotest.NotShort(t, "it starts four Djangos")
	t.Parallel()
	const oldKey, newKey = "the old key", "the new key"
	keys := func(key string, fallbacks ...string) djangotest.Settings {
		return djangotest.Settings{"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": append([]string{}, fallbacks...)}
	}
	db := djangotest.SQLite(t)
	r := openRecipe(t, "secret-key.md", db.URL, newKey, oldKey)
	before := worker(t, djangotest.Newest, db, keys(oldKey))
	before.Do(t, `users()`, nil, nil)
	sessions := []string{before.logIn(t, "alice", "1"), before.logIn(t, "bob", "2")}
	first := worker(t, djangotest.Newest, db, keys(oldKey, newKey))
	second := worker(t, djangotest.Newest, db, keys(newKey, oldKey))
	third := worker(t, djangotest.Newest, db, keys(newKey))
	third.knows(t, sessions, "nobody None", "nobody None")

	sessions = append(sessions, second.logIn(t, "alice", "3"))
	first.knows(t, sessions, "alice 1", "bob 2", "alice 3") // of step 1, which still runs in step 2
	r.run(t, "", `2 fallback 1 of SECRET_KEY: sessions`, `2 fallback 1 of SECRET_KEY: logins`)
	third.knows(t, sessions, "nobody None", "nobody None", "alice 3")
	r.run(t, "", `2 rewritten`)
	r.run(t, "", `"hashes":0,"signed":0`)
	third.knows(t, sessions, "alice 1", "bob 2", "alice 3")
	first.knows(t, sessions, "alice 1", "bob 2", "alice 3")

	// Back.
	first.logIn(t, "bob", "4")
	r.keys(t, oldKey, newKey)
	r.runText(t, "djsess rotate", `3 rewritten`)
	before.knows(t, sessions, "alice 1", "bob 2", "alice 3")
	r.isDone(t)
}

// Of docs/moving/engines.md: Djangos of all phases know the same users, and one who has logged out in any of them is nobody in all.
func TestMovingEngines(t *testing.T) {
	djangotest.NotShort(t, "it starts a Redis and six Djangos")
	t.Parallel()
	db, redis := djangotest.SQLite(t), djangotest.Redis(t)
	const database, cache = "django.contrib.sessions.backends.db", "django.contrib.sessions.backends.cache"
	inPhase := func(phase int, engine string) *liveSite {
		return worker(t, djangotest.Newest, db, djangotest.Settings{
			"SESSION_ENGINE": engine, "CACHES": djangotest.Caches(redis.Django()),
			"SESSION_TRANSITION": map[string]any{"old": database, "new": cache, "phase": phase},
		})
	}
	r := openRecipe(t, "engines.md", "", djangotest.SecretKey)
	r.set(t, "DJANGO_VERSION", `"`+djangotest.Newest+`"`)
	config, err := os.ReadFile(filepath.Join(r.dir, "djsess.toml"))
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, "djsess.toml", strings.NewReplacer("postgres://djsess@db.example/site", db.URL, "redis://cache.example/1", redis.URL).Replace(string(config)))

	before := inPhase(0, database)
	before.Do(t, `users()`, nil, nil)
	sessions := []string{before.logIn(t, "alice", "1"), before.logIn(t, "bob", "2")}
	const transition = "transition" // djangotest has docs/moving on its path
	first, second := inPhase(1, transition), inPhase(2, transition)
	sessions = append(sessions, first.logIn(t, "alice", "3"), second.logIn(t, "bob", "4"), second.logIn(t, "bob", "5"))
	logOut := func(by *liveSite, key string) {
		t.Helper()
		by.Do(t, `SessionStore(args).flush()`, key, nil)
	}
	logOut(second, sessions[4])
	first.knows(t, sessions, "alice 1", "bob 2", "alice 3", "bob 4", "nobody None")

	third, fourth, after := inPhase(3, transition), inPhase(4, transition), inPhase(0, cache)
	fourth.knows(t, sessions, "nobody None", "nobody None", "nobody None", "bob 4", "nobody None")
	r.run(t, "", `3 inserted`)
	r.run(t, "", `4 sessions are the same in both stores`)
	for _, site := range []*liveSite{second, third, fourth, after} {
		site.knows(t, sessions, "alice 1", "bob 2", "alice 3", "bob 4", "nobody None")
	}
	logOut(third, sessions[0])
	logOut(fourth, sessions[1])
	for _, site := range []*liveSite{second, third, fourth, after} {
		site.knows(t, sessions, "nobody None", "nobody None", "alice 3", "bob 4", "nobody None")
	}
	logOut(after, sessions[2])
	fourth.knows(t, sessions, "nobody None", "nobody None", "nobody None", "bob 4", "nobody None")
	r.isDone(t)
}

func TestMovingPickle(t *testing.T) {
	djangotest.NotShort(t, "it starts four Djangos")
	t.Parallel()
	const old = "4.2"
	serializer := func(class string) djangotest.Settings { return djangotest.Settings{"SESSION_SERIALIZER": class} }
	db := djangotest.SQLite(t)
	r := openRecipe(t, "pickle.md", db.URL, djangotest.SecretKey)
	before := worker(t, old, db, serializer("django.contrib.sessions.serializers.PickleSerializer"))
	before.Do(t, `users()`, nil, nil)
	sessions := []string{before.logIn(t, "alice", "(1, datetime.date(2031, 2, 3))"), before.logIn(t, "bob", "2")}
	first := worker(t, old, db, serializer("mysite.serializer.PickleSerializer"))
	second := worker(t, old, db, serializer("mysite.serializer.JSONSerializer"))
	last := worker(t, djangotest.Newest, db, nil)

	sessions = append(sessions, first.logIn(t, "alice", "3"))
	const date = "alice (1, datetime.date(2031, 2, 3))"
	before.knows(t, sessions, date, "bob 2", "alice 3") // it runs beside the workers of step 1
	sessions = append(sessions, second.logIn(t, "bob", "4"))
	first.knows(t, sessions, date, "bob 2", "alice 3", "bob 4") // they run beside those of step 2
	second.knows(t, sessions, date, "bob 2", "alice 3", "bob 4")

	const converted = "alice [1, '2031-02-03']"
	r.run(t, "", `3 rewritten`, `nothing was written`)
	second.knows(t, sessions, date, "bob 2", "alice 3", "bob 4")
	r.run(t, "", `3 rewritten`)
	second.knows(t, sessions, converted, "bob 2", "alice 3", "bob 4")
	last.knows(t, sessions, converted, "bob 2", "alice 3", "bob 4")
	r.run(t, "", `4 sessions read\n.*nothing was written`)

	// Back.
	sessions = append(sessions, first.logIn(t, "bob", "5"))
	r.set(t, "SESSION_SERIALIZER", `["pickle", "json"]`)
	r.runText(t, "djsess convert", `4 rewritten`)
	before.knows(t, sessions, converted, "bob 2", "alice 3", "bob 4", "bob 5")
	r.isDone(t)
}

func TestMovingDjango(t *testing.T) {
	djangotest.NotShort(t, "it starts four Djangos")
	t.Parallel()
	db := djangotest.SQLite(t)
	r := openRecipe(t, "django.md", db.URL, djangotest.SecretKey)
	before := worker(t, "2.2", db, nil)
	before.Do(t, `users()`, nil, nil)
	sessions := []string{before.logIn(t, "alice", "1"), before.logIn(t, "bob", "2")}
	first := worker(t, "3.2", db, djangotest.Settings{"DEFAULT_HASHING_ALGORITHM": "sha1"})
	second := worker(t, "3.2", db, nil)
	last := worker(t, "5.2", db, nil)

	sessions = append(sessions, first.logIn(t, "alice", "3"))
	before.knows(t, sessions, "alice 1", "bob 2", "alice 3") // it runs beside the workers of step 1
	sessions = append(sessions, second.logIn(t, "bob", "4"))
	second.knows(t, sessions, "alice 1", "bob 2", "alice 3", "bob 4")
	last.knows(t, sessions, "nobody None", "nobody None", "nobody None", "bob 4")
	r.run(t, "", `3 rewritten`, `3 logins got a new hash`)
	for _, site := range []*liveSite{second, last} {
		site.knows(t, sessions, "alice 1", "bob 2", "alice 3", "bob 4")
	}

	// Back, in step 3.
	r.set(t, "DEFAULT_HASHING_ALGORITHM", `"sha1"`)
	r.run(t, "back", `4 rewritten`)
	for _, site := range []*liveSite{before, first} {
		site.knows(t, sessions, "alice 1", "bob 2", "alice 3", "bob 4")
	}

	// In one jump, and back.
	text, err := os.ReadFile(filepath.Join(r.dir, "djsess.toml"))
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, "djsess.toml", strings.Replace(string(text), "DEFAULT_HASHING_ALGORITHM = \"sha1\"\n", "", 1))
	r.set(t, "DJANGO_VERSION", `"5.2"`)
	r.run(t, "jump", `4 rewritten`)
	last.knows(t, sessions, "alice 1", "bob 2", "alice 3", "bob 4")
	r.set(t, "DJANGO_VERSION", `"2.2"`)
	r.runText(t, "djsess convert --from-django 5.2 --accept-new-form", `4 rewritten`)
	before.knows(t, sessions, "alice 1", "bob 2", "alice 3", "bob 4")
	r.isDone(t)
}
