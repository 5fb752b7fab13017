package storeurl

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession/dbcache"
)

// djangoOnly are options of dj-database-url and of Django's connections that do not change what
// is stored. They are allowed in a URL and ignored.
var djangoOnly = []string{
	"conn_max_age", "conn_health_checks", "atomic_requests", "autocommit",
	"disable_server_side_cursors", "server_side_binding", "pool", "isolation_level",
	"transaction_mode", "init_command",
}

// dropIgnored removes the options that are ignored. It also respells options in the letters of this
// package: django-environ reads conn_max_age and CONN_MAX_AGE alike.
func (u *storeURL) dropIgnored() {
	for name, values := range u.options {
		lower := strings.ToLower(name)
		switch {
		case slices.Contains(djangoOnly, lower), slices.Contains(u.row.ignored, lower):
			delete(u.options, name)
		case lower != name && u.row.cache != nil && slices.Contains(u.row.options, lower):
			delete(u.options, name)
			u.options[lower] = append(values, u.options[lower]...)
		}
	}
}

// checkOptions returns an error for an option that URLs of this scheme do not have.
func (u *storeURL) checkOptions() error {
	for _, name := range slices.Sorted(maps.Keys(u.options)) {
		if slices.Contains(u.row.options, name) || slices.Contains(u.row.driverOptions, name) {
			continue
		}
		if other := u.row.spelledLike(name); other != "" {
			return fmt.Errorf("unknown option %q: write %s", name, other)
		}
		verb := "are"
		if len(u.row.options) == 1 {
			verb = "is"
		}
		all := strings.Join(u.row.options, ", ")
		if u.row.driver != "" {
			all += ", and " + u.row.driver + "'s " + strings.Join(u.row.driverOptions, ", ")
		}
		return fmt.Errorf("unknown option %q: there %s %s", name, verb, all)
	}
	return nil
}

// take returns an option and removes it, so that the driver does not get it. Of several
// options of one name the first one counts, as in redis-py and django-environ.
func (u *storeURL) take(name string) string {
	values := u.takeAll(name)
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// takeAll returns all options of a name and removes them.
func (u *storeURL) takeAll(name string) []string {
	u.taken = append(u.taken, name)
	values := u.options[name]
	delete(u.options, name)
	return values
}

// seconds takes an option that is a time in seconds. It is 0 if the option is missing.
func (u *storeURL) seconds(name string) (time.Duration, error) {
	text := u.take(name)
	if text == "" {
		return 0, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds > 0 && seconds < 1e6) {
		return 0, fmt.Errorf("%s %q: want seconds", name, text)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// number takes an option that is a whole number. If the option is missing, it returns
// defaultValue.
func (u *storeURL) number(name string, defaultValue int) (int, error) {
	text := u.take(name)
	if text == "" {
		return defaultValue, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s %q: want a whole number, and not a negative one", name, text)
	}
	return n, nil
}

// choice takes an option that is one of a few words. The word "" stands for a missing option.
func choice[T any](u *storeURL, name string, choices map[string]T) (chosen T, err error) {
	text := u.take(name)
	chosen, ok := choices[text]
	if !ok {
		words := slices.DeleteFunc(slices.Sorted(maps.Keys(choices)), func(word string) bool { return word == "" })
		return chosen, fmt.Errorf("%s %q: want one of %s", name, text, strings.Join(words, ", "))
	}
	return chosen, nil
}

// choices takes an option that is one or more of a few words, with commas between them. It returns
// none for a missing option.
func choices[T any](u *storeURL, name string, known map[string]T) (chosen []T, err error) {
	text := u.take(name)
	if text == "" {
		return nil, nil
	}
	seen := map[string]bool{}
	for word := range strings.SplitSeq(text, ",") {
		one, ok := known[word]
		if !ok || seen[word] {
			return nil, fmt.Errorf("%s %q: want one of %s, or several of them with commas between", name, text, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		seen[word] = true
		chosen = append(chosen, one)
	}
	return chosen, nil
}

// A pool is bounded, since the site needs the server's connections, too. PostgreSQL has 100 by
// default: without a bound, a burst of requests to a Go service would take all of them. Idle
// connections are kept, since connecting costs more than a statement.
const (
	defaultMaxConns = 10
	idleTime        = 5 * time.Minute
	// mostConns is more than any server accepts.
	mostConns = 100_000
)

// pool is how many connections may be open, and how many of them may be idle.
type pool struct{ open, idle int }

// pool takes the options of a pool.
func (u *storeURL) pool() (p pool, err error) {
	if p.open, err = u.conns("max_open_conns", defaultMaxConns); err != nil {
		return p, err
	}
	if p.idle, err = u.conns("max_idle_conns", min(defaultMaxConns, p.open)); err != nil {
		return p, err
	}
	if p.idle > p.open {
		return p, fmt.Errorf("max_idle_conns %d is more than max_open_conns, %d", p.idle, p.open)
	}
	return p, nil
}

// conns takes an option that is a number of connections.
func (u *storeURL) conns(name string, defaultValue int) (int, error) {
	text := u.take(name)
	if text == "" {
		return defaultValue, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostConns {
		return 0, fmt.Errorf("%s %q: want a number of connections, from 1 to %d", name, text, mostConns)
	}
	return n, nil
}

func (p pool) apply(db *sql.DB) {
	db.SetMaxOpenConns(p.open)
	db.SetMaxIdleConns(p.idle)
	db.SetConnMaxIdleTime(idleTime)
}

// culling takes MAX_ENTRIES and CULL_FREQUENCY. Without the first, only the site culls.
func (u *storeURL) culling() (maxEntries, frequency int, err error) {
	maxEntries, err = u.number("max_entries", 0)
	frequency, frequencyErr := u.number("cull_frequency", dbcache.DefaultCullFrequency)
	if frequency == 0 {
		frequency = dbcache.CullAll
	}
	return maxEntries, frequency, cmp.Or(err, frequencyErr)
}
