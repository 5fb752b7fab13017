package main

import (
	"bufio"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/signing"
	"github.com/rogpeppe/go-internal/testscript"

	_ "github.com/djsess/djsess/internal/testing/fastsqlite"
)

// noSleep keeps a command under the race detector from sleeping a second at its end.
const noSleep = "atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	os.Setenv("GORACE", noSleep)
	testscript.Main(m, map[string]func(){"djsess": mainAt})
}

// mainAt is main, at the time in $NOW if that is set.
func mainAt() {
	now := time.Now
	if text := os.Getenv("NOW"); text != "" {
		held, err := time.Parse(time.RFC3339, text)
		if err != nil {
			panic(err)
		}
		now = func() time.Time { return held }
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, now))
}

// TestScripts runs testdata/script/*.txt, which show the command as a user sees
// it. Each starts beside a copy of the database that Django 6.1 wrote, with that
// site's SECRET_KEY in $DJANGO_SECRET_KEY, and the key of each of its sessions in a
// variable ($alice, $bob, …). For the command it is always $NOW, the day after Django wrote
// the database. These commands are added to testscript's own:
//
//	status N command…      runs a command that must exit with this status, and
//	                       print neither secrets nor whole session keys on stderr
//	sqlite FILE SQL        runs SQL, and prints the rows
//	snapshot FILE          prints what the table of sessions holds
//	forge FILE KEY WHAT    stores a session with a good signature, which holds
//	                       something that no Django writes
//	lock FILE              locks a SQLite database until the script ends
//	prometheus FILE        checks that Prometheus can read a file
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "script"),
		Setup: setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":     status,
			"sqlite":     sqlite,
			"snapshot":   snapshot,
			"forge":      forge,
			"lock":       lock,
			"prometheus": prometheus,
		},
	})
}

const (
	vectors  = "../../testdata/django-6.1/vectors.jsonl"
	database = "../../testdata/django-6.1/db.sqlite3"
)

func setup(env *testscript.Env) error {
	env.Setenv("NOW", "2026-11-24T12:34:56Z")
	env.Setenv("GORACE", noSleep)
	data, err := os.ReadFile(database)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(env.WorkDir, "db.sqlite3"), data, 0o644); err != nil {
		return err
	}
	f, err := os.Open(vectors)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v struct {
			Kind, Name, Key, Encoded string
			SecretKey                string `json:"secret_key"`
			Fallbacks                []string
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			return err
		}
		switch v.Kind {
		case "meta":
			env.Setenv("DJANGO_SECRET_KEY", v.SecretKey)
			env.Setenv("fallback", v.Fallbacks[0])
		case "row":
			env.Setenv(strings.ReplaceAll(v.Name, "-", ""), v.Key)
		case "payload", "payload_fallback", "cookie_session":
			env.Setenv(v.Kind+"_"+strings.ReplaceAll(v.Name, "-", "_"), v.Encoded)
		}
	}
	return lines.Err()
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
	stderr := ts.ReadFile("stderr")
	for _, private := range []string{
		ts.Getenv("DJANGO_SECRET_KEY"), ts.Getenv("fallback"), "hunter2",
		ts.Getenv("alice"), ts.Getenv("bob"), ts.Getenv("carol"), ts.Getenv("cart"), ts.Getenv("empty"), ts.Getenv("expired"),
	} {
		if private != "" && strings.Contains(stderr, private) {
			ts.Fatalf("stderr holds %q", private)
		}
	}
	for _, arg := range args[2:] { // keys that no session has
		if len(arg) > 24 && alphanumeric(arg) && strings.Contains(stderr, arg) {
			ts.Fatalf("stderr holds %q", arg)
		}
	}
	if want != 0 && !strings.HasPrefix(stderr, "djsess: ") && !strings.Contains(stderr, "\ndjsess: ") {
		ts.Fatalf("nothing on stderr says why")
	}
}

func open(ts *testscript.TestScript, file string) *sql.DB {
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(file))
	ts.Check(err)
	return db
}

func sqlite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sqlite FILE SQL")
	}
	db := open(ts, args[0])
	defer db.Close()
	rows, err := db.Query(args[1])
	ts.Check(err)
	defer rows.Close()
	columns, err := rows.Columns()
	ts.Check(err)
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		ts.Check(rows.Scan(into...))
		for _, v := range values {
			fmt.Fprintf(ts.Stdout(), "%s\t", v.String)
		}
		fmt.Fprintln(ts.Stdout())
	}
	ts.Check(rows.Err())
}

func snapshot(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: snapshot FILE")
	}
	db := open(ts, args[0])
	defer db.Close()
	rows, err := db.Query("SELECT session_key, session_data, CAST(expire_date AS TEXT) FROM django_session ORDER BY session_key")
	ts.Check(err)
	defer rows.Close()
	for rows.Next() {
		var key, data, expires string
		ts.Check(rows.Scan(&key, &data, &expires))
		fmt.Fprintf(ts.Stdout(), "%s %x %s\n", key, sha256.Sum256([]byte(data)), expires)
	}
	ts.Check(rows.Err())
}

func forge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: forge FILE KEY WHAT")
	}
	var data string
	switch args[2] {
	case "bomb":
		data = `{"a":"` + strings.Repeat("0", 33<<20) + `"}`
	case "nested":
		data = `{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}"
	case "pickle":
		data = "\x80\x04}\x94\x8c\x01a\x94K\x01s."
	case "python2": // a datetime of Python 2.7, in protocol 2
		data = "\x80\x02}q\x00U\x04whenq\x01cdatetime\ndatetime\nq\x02U\n\x07\xe4\x01\x02\x03\x04\x05\x00\x00\x00q\x03\x85q\x04Rq\x05s."
	case "hostile":
		data = `{"_auth_user_id":"\u001b[2J","a":"\u001b]0;owned\u0007\u202e\u0085` + "\x9b" + `é \ud800 zażółć \ud83d\ude00"}`
		data = strings.NewReplacer("zażółć", `za\u017c\u00f3\u0142\u0107`, "é", `\u00e9`).Replace(data)
	case "loose":
		data = "{\"a\" : 1,\n \"a\": NaN,\r\n\t\"b\": [ ] }"
	default: // JSON
		data = args[2]
	}
	signer, err := signing.NewTimestampSigner(signing.Options{
		SecretKey: ts.Getenv("DJANGO_SECRET_KEY"),
		Salt:      "django.contrib.sessions.SessionStore",
	})
	ts.Check(err)
	payload := signer.AppendObject(nil, []byte(data), true)
	db := open(ts, args[0])
	defer db.Close()
	_, err = db.Exec("INSERT INTO django_session VALUES (?, ?, '2099-01-01 00:00:00')", args[1], string(payload))
	ts.Check(err)
}

func lock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lock FILE")
	}
	db := open(ts, args[0])
	db.SetMaxOpenConns(1)
	db.SetConnMaxIdleTime(time.Hour)
	_, err := db.Exec("BEGIN EXCLUSIVE")
	ts.Check(err)
	ts.Defer(func() { db.Close() })
}
