//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// The two stores of a cached_db, and the database of its users, each have a password_command of their own. The passwords
// change from one run to the next.
func TestPasswordCommandOfEachStore(t *testing.T) {
	djangotest.NotShort(t, "it starts a MariaDB and a Redis")
	t.Parallel()
	database, cache := djangotest.MariaDB(t), djangotest.Redis(t)
	settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	store, err := storeurl.Open(database.URL, settings)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	do := func(statement string) {
		t.Helper()
		if _, err := store.(djsession.SQLStore).DB().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.(*dbstore.Store).CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	do("CREATE TABLE auth_user (id INT, username VARCHAR(150))")
	do("INSERT INTO auth_user VALUES (42, 'alice')")
	do("CREATE USER of_sessions")
	do("CREATE USER of_users")
	do(fmt.Sprintf("GRANT ALL ON %s.django_session TO of_sessions", database.Name))
	do(fmt.Sprintf("GRANT SELECT ON %s.auth_user TO of_users", database.Name))

	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	as := func(user string) string { return strings.Replace(database.URL, "djsess:djsess@", user+"@", 1) }
	write("key", djangotest.SecretKey+"\n")
	write("djsess.toml", fmt.Sprintf(`
store = "both"
[settings]
SECRET_KEY_COMMAND = ["cat", "key"]
[stores.both]
engine = "cached_db"
cache = "redis"
database = "mariadb"
[stores.redis]
url = %q
password_command = ["sh", "-c", "echo redis >>log; cat redis"]
[stores.mariadb]
url = %q
password_command = ["sh", "-c", "echo mariadb >>log; cat mariadb"]
[stores.people]
url = %q
password_command = ["sh", "-c", "echo people >>log; cat people"]
[users]
table = "auth_user"
store = "people"
`, strings.Replace(cache.URL, "redis://", "redis://djsess@", 1), as("of_sessions"), as("of_users")))
	djsess := func(args ...string) (status int, says string) {
		cmd := exec.Command("djsess", args...)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		if err != nil && !errors.As(err, new(*exec.ExitError)) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), strings.TrimSpace(string(out))
	}
	accept := func(name, password string) {
		t.Helper()
		switch name {
		case "redis":
			cache.Do(t, "ACL", "SETUSER", "djsess", "reset", "on", ">"+password, "~*", "+@all")
		case "mariadb":
			do("ALTER USER of_sessions IDENTIFIED BY '" + password + "'")
		case "people":
			do("ALTER USER of_users IDENTIFIED BY '" + password + "'")
		}
	}
	names := []string{"redis", "mariadb", "people"}
	for run := range 2 {
		for _, name := range names {
			password := fmt.Sprintf("of %s, run %d", name, run)
			accept(name, password)
			write(name, password+"\n")
		}
		write("log", "")
		status, says := djsess("create", "_auth_user_id=42")
		if status != done {
			t.Fatal(says)
		}
		key, _, _ := strings.Cut(says, "\n")
		if status, list := djsess("list", "--username", "alice"); status != done || !strings.Contains(list, key) {
			t.Fatalf("run %d: exit status %d: %s is not in %s", run, status, key, list)
		}
		log, err := os.ReadFile(filepath.Join(folder, "log"))
		for _, name := range names {
			if !strings.Contains(string(log), name+"\n") {
				t.Errorf("run %d: %v: the command of %s was not run: %s", run, err, name, log)
			}
		}
	}
	// The wrong password, and a program that prints none, are errors of the store that they are of. What a cached_db cannot
	// write into its cache is a warning.
	for _, name := range names {
		args, refused, misused := []string{"list", "--username", "alice"}, failed, misused
		if name == "redis" {
			args, refused, misused = []string{"create", "a=1"}, done, done
		}
		accept(name, "another")
		if status, says := djsess(args...); status != refused || strings.Contains(says, "run 1") {
			t.Errorf("%s has another password: exit status %d: %s", name, status, says)
		}
		write(name, "")
		want := fmt.Sprintf("stores.%s.password_command: the program %q printed nothing", name, "sh")
		if status, says := djsess(args...); status != misused || !strings.Contains(says, want) {
			t.Errorf("the command of %s prints nothing: exit status %d: %s, want %q", name, status, says, want)
		}
		accept(name, "a third one")
		write(name, "a third one")
	}
}
