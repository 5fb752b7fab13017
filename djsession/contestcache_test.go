package djsession_test

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// contestCachedDB creates a contested session of the engine cached_db.
func contestCachedDB(t *testing.T) *contested {
	t.Helper()
	db, redis := djangotest.Postgres(t), djangotest.Redis(t)
	django := startWriters(t, djangotest.Settings{
		"SESSION_ENGINE": cachedDBBackend, "DATABASES": db.Settings(), "CACHES": djangotest.Caches(redis.Django()),
	})
	django[0].Do(t, `migrate()`, nil, nil)
	store, err := storeurl.OpenCachedDB(redis.URL, db.URL, contestedSettings(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return audited(t, store, store, django)
}

// contestRedis creates a contested session in a Redis. MONITOR shows every command that Redis runs,
// also those in scripts, in the order in which Redis runs them.
func contestRedis(t *testing.T) *contested {
	t.Helper()
	redis := djangotest.Redis(t)
	c := &contested{
		store:  opens(redis.URL)(t, contestedSettings(t)),
		django: startWriters(t, djangotest.Settings{"SESSION_ENGINE": cacheBackend, "CACHES": djangotest.Caches(redis.Django())}),
	}
	monitor := newWatch(t, redis.Addr, "MONITOR", "+OK")
	marks := 0
	c.history = func(t *testing.T, _ reports) (versions []version) {
		marks++
		mark := fmt.Sprintf("mark %d", marks)
		redis.Do(t, "ECHO", mark)
		for {
			words := monitorWords(t, monitor.line(t))
			switch {
			case slices.Equal(words, []string{"ECHO", mark}):
				return versions
			case len(words) < 3 || !strings.EqualFold(words[0], "SET") || words[1] != cacheKey(c.key):
			case slices.ContainsFunc(words[3:], func(option string) bool { return strings.EqualFold(option, "NX") }):
				// the creation of the session
			default:
				versions = append(versions, newVersion(t, unpickled(t, words[2])))
			}
		}
	}
	return c
}

// cacheKey returns the cache key of a session with Django's default settings.
func cacheKey(key string) string { return ":1:django.contrib.sessions.cache" + key }

// monitorWords returns the words of a command that MONITOR shows as
//
//	+1700000000.123456 [0 127.0.0.1:40000] "SET" "key" "\x80\x05}"
func monitorWords(t *testing.T, line string) (words []string) {
	t.Helper()
	_, rest, _ := strings.Cut(line, "] ")
	for rest != "" {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			t.Fatalf("MONITOR: %.200q: %v", line, err)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatalf("MONITOR: %.200q: %v", line, err)
		}
		words = append(words, word)
		rest = strings.TrimPrefix(rest[len(quoted):], " ")
	}
	return words
}

func unpickled(t *testing.T, data string) string {
	t.Helper()
	values, err := djsession.PickleSerializer{}.Parse([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := values.AppendPythonJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// contestMemcached creates a contested session in a Memcached. Memcached shows each store command
// and its connection, but not the data. A Django process has one connection, so the order of its
// versions is known. For Go's versions nothing more is known than in a folder.
func contestMemcached(t *testing.T) *contested {
	t.Helper()
	memcached := djangotest.Memcached(t, 1, "-t", "1") // several threads would log their commands in any order
	c := &contested{
		store:  opens(memcachedURL(memcached))(t, contestedSettings(t)),
		django: startWriters(t, djangotest.Settings{"SESSION_ENGINE": cacheBackend, "CACHES": djangotest.Caches(quickMemcached(memcached))}),
	}
	watch := newWatch(t, memcached[0].Addr, "watch mutations", "OK")
	connections := map[string]string{} // Django's writers, by their connections
	for i, django := range c.django {
		django.Do(t, `from django.core.cache import cache; cache.set(args, 1)`, writer(byDjango, i), nil)
	}
	for len(connections) < len(c.django) {
		stored := mutation(t, watch.line(t))
		connections[stored["cfd"]] = strings.TrimPrefix(stored["key"], ":1:")
	}
	marks := 0
	c.history = func(t *testing.T, said reports) []version {
		marks++
		mark := fmt.Sprintf("mark%d", marks)
		c.django[0].Do(t, `cache.set(args, 1)`, mark, nil)
		written := map[string][]version{}
		for _, v := range said.django {
			written[v.writer()] = append(written[v.writer()], v)
		}
		var ids []string
		for {
			stored := mutation(t, watch.line(t))
			name := connections[stored["cfd"]]
			switch {
			case stored["key"] == ":1:"+mark:
				return follow(t, c, said, ids)
			case stored["key"] != cacheKey(c.key) || stored["status"] != "stored" || stored["cmd"] == "add":
			case name == "":
				ids = append(ids, "")
			case len(written[name]) == 0:
				t.Fatalf("%s stored more versions than it reports", name)
			default:
				ids = append(ids, written[name][0].id)
				written[name] = written[name][1:]
			}
		}
	}
	return c
}

// mutation is a line of Memcached's about a store command: "name=value name=value".
func mutation(t *testing.T, line string) map[string]string {
	t.Helper()
	words := map[string]string{}
	for _, word := range strings.Fields(line) {
		name, value, _ := strings.Cut(word, "=")
		words[name] = value
	}
	if _, lost := words["skipped"]; lost || strings.HasPrefix(line, "[") {
		t.Fatalf("Memcached skipped lines: %s", line)
	}
	words["key"] = strings.NewReplacer("%3A", ":", "%3a", ":").Replace(words["key"])
	return words
}

// watch opens a connection on which a server logs a line for each of its commands, until the test
// ends. It reads and keeps the lines at once, since a server disconnects a client that does not
// read.
type watch struct{ lines chan string }

func newWatch(t *testing.T, addr, command, ok string) *watch {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "%s\r\n", command)
	lines := bufio.NewReader(conn)
	if line, err := lines.ReadString('\n'); strings.TrimSpace(line) != ok {
		t.Fatalf("%s: %q: %v", command, line, err)
	}
	w := &watch{make(chan string, 1<<20)}
	go func() {
		defer close(w.lines)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return // closed
			}
			w.lines <- strings.TrimRight(line, "\r\n")
		}
	}()
	return w
}

func (w *watch) line(t *testing.T) string {
	t.Helper()
	line, ok := <-w.lines
	if !ok {
		t.Fatal("the server ended the connection")
	}
	return line
}
