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

// contestCachedDB makes a contested session whose rows have a cache before them.
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

// contestRedis makes a contested session in a Redis, which tells of every command that it runs, those of scripts among
// them, in the order in which it runs them.
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
				// when it was created
			default:
				versions = append(versions, newVersion(t, unpickled(t, words[2])))
			}
		}
	}
	return c
}

// cacheKey is the cache's key of a session, with Django's default settings.
func cacheKey(key string) string { return ":1:django.contrib.sessions.cache" + key }

// monitorWords are the words of a command, which MONITOR tells as
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

// contestMemcached makes a contested session in a Memcached. That tells of all that is stored and by which connection, but
// not what: the versions of a Django process, which has one connection, are in their order; of Go's more cannot be said
// than in a folder.
func contestMemcached(t *testing.T) *contested {
	t.Helper()
	memcached := djangotest.Memcached(t, 1, "-t", "1") // several threads tell of what they do in no certain order
	c := &contested{
		store:  opens(memcachedURL(memcached))(t, contestedSettings(t)),
		django: startWriters(t, djangotest.Settings{"SESSION_ENGINE": cacheBackend, "CACHES": djangotest.Caches(quickMemcached(memcached))}),
	}
	watch := newWatch(t, memcached[0].Addr, "watch mutations", "OK")
	connections := map[string]string{} // the writers of Django's, by their connections
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
				t.Fatalf("%s stored more than it says", name)
			default:
				ids = append(ids, written[name][0].id)
				written[name] = written[name][1:]
			}
		}
	}
	return c
}

// mutation is what Memcached tells of something stored, as "name=value name=value".
func mutation(t *testing.T, line string) map[string]string {
	t.Helper()
	words := map[string]string{}
	for _, word := range strings.Fields(line) {
		name, value, _ := strings.Cut(word, "=")
		words[name] = value
	}
	if _, lost := words["skipped"]; lost || strings.HasPrefix(line, "[") {
		t.Fatalf("Memcached did not tell all: %s", line)
	}
	words["key"] = strings.NewReplacer("%3A", ":", "%3a", ":").Replace(words["key"])
	return words
}

// watch is a connection on which a server tells what it does, a line each, until the test ends. The lines are kept as they
// come: a server has no patience with who does not read.
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
