package djsession_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cookiestore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// wrongConfig is a Go service that is not set up as the site is.
type wrongConfig struct {
	name string
	site string // the version of Django that it runs
	// setUp changes what would be right.
	setUp func(t *testing.T, c *config)
	what  outcome
}

// outcome is what becomes of the site.
type outcome int

const (
	untouched outcome = iota
	// readable: the service can still read the site's sessions, and so
	// changes them when it is told to, and that is all it changes.
	readable
	// somewhat: it finds some of the site's sessions by chance, and changes these when
	// it is told to.
	somewhat
	// takesCookies: it is set up as another site is, in all that it can see. It
	// takes that site's store for its own and our visitors for strangers. No row
	// changes. A visitor who only reads keeps the cookie; one for whom something is
	// stored gets another.
	takesCookies
)

// config is how a service is set up.
type config struct {
	settings *djsession.Settings
	site     *loggedInSite // whose database it is
	store    djsession.Store
	backends []string
	others   map[string]*loggedInSite // by their keys
}

// another is another site that has this key, and these users.
func (c *config) another(t *testing.T, secretKey string, users ...string) *loggedInSite {
	t.Helper()
	s := c.others[secretKey]
	s.Do(t, `Session.objects.all().delete(); User.objects.all().delete()`, nil, nil)
	s.Do(t, `log_in_all(args or ())`, users, nil)
	return s
}

var wrongConfigs = []wrongConfig{
	{"SECRET_KEY", "5.2", func(t *testing.T, c *config) { c.settings.SecretKey = "another" }, untouched},
	{"session class", "5.2", func(t *testing.T, c *config) { c.settings.SessionStoreClass = "CustomSession" }, untouched},
	{"an empty database", "5.2", func(t *testing.T, c *config) { c.site = c.another(t, djangotest.SecretKey) }, untouched},
	{"an empty database, and key", "5.2", func(t *testing.T, c *config) {
		c.settings.SecretKey = "another"
		c.site = c.another(t, "another")
	}, untouched},
	{"another site's database", "5.2", func(t *testing.T, c *config) { c.site = c.another(t, "another", "x", "y") }, untouched},
	{"another site's database, and key", "5.2", func(t *testing.T, c *config) {
		c.settings.SecretKey = "another"
		c.site = c.another(t, "another", "x", "y")
	}, takesCookies},
	{"another site's database with the same key", "5.2", func(t *testing.T, c *config) {
		c.site = c.another(t, djangotest.SecretKey, "x", "y")
	}, takesCookies},
	{"an empty folder", "5.2", func(t *testing.T, c *config) {
		var err error
		if c.store, err = filestore.New(filestore.Config{Dir: t.TempDir(), Settings: c.settings}); err != nil {
			t.Fatal(err)
		}
	}, untouched},
	{"signed cookies", "5.2", func(t *testing.T, c *config) {
		var err error
		if c.store, err = cookiestore.New(c.settings); err != nil {
			t.Fatal(err)
		}
	}, untouched},
	{"2.2 for 5.2", "5.2", runs("2.2"), untouched},
	{"5.2 for 2.2", "2.2", runs("5.2"), untouched},
	{"2.2 for 3.2", "3.2", runs("2.2"), untouched},
	{"3.2 for 5.2", "5.2", runs("3.2"), readable}, // both sign alike
	{"5.2 for 3.2", "3.2", runs("5.2"), readable},
	{"backend", "5.2", func(t *testing.T, c *config) { c.backends = []string{"site.backends.EmailBackend"} }, readable},
	{"cookie name", "5.2", func(t *testing.T, c *config) { c.settings.SessionCookieName = "session" }, untouched},
}

// runs is another DJANGO_VERSION than the site's.
func runs(v string) func(t *testing.T, c *config) {
	return func(t *testing.T, c *config) {
		var err error
		if c.settings, err = djsession.NewSettings(v, djangotest.SecretKey); err != nil {
			t.Fatal(err)
		}
	}
}

// A Go service that is not set up as the site is has logged nobody out when it has
// run for a while, and has changed no row.
func TestWrongConfig(t *testing.T) {
	t.Parallel()
	sites := map[string]*loggedInSite{}
	versions := []string{"2.2", "3.2", "5.2"}
	if testing.Short() {
		versions = versions[2:]
	}
	for _, v := range versions {
		sites[v] = startLoggedInSite(t, v, djangotest.SecretKey)
	}
	others := map[string]*loggedInSite{}
	for _, key := range []string{djangotest.SecretKey, "another"} {
		others[key] = startLoggedInSite(t, "5.2", key)
	}
	for i, wrong := range wrongConfigs {
		if testing.Short() && wrong.site != "5.2" {
			continue
		}
		t.Run(wrong.name, func(t *testing.T) {
			sites[wrong.site].run(t, wrong, fmt.Sprint(i), others)
		})
	}
}

// run has a service run that is not set up as the site is, in each mode.
func (s *loggedInSite) run(t *testing.T, wrong wrongConfig, id string, others map[string]*loggedInSite) {
	times := 10 // twice
	switch {
	case testing.Short():
		times = 1
	case raceEnabled:
		times = 3
	}
	for i, mode := range []struct {
		name                              string
		everyRequest, overwrite, readOnly bool
	}{
		{name: "plain"},
		{name: "every request", everyRequest: true},
		{name: "overwriting", overwrite: true},
		{name: "read-only", everyRequest: true, readOnly: true},
	} {
		if testing.Short() && (mode.everyRequest || mode.readOnly) {
			continue
		}
		c := &config{settings: s.settings(t), site: s, others: others}
		c.settings.SessionSaveEveryRequest = mode.everyRequest
		wrong.setUp(t, c) // which may open a store, or make other settings
		c.settings.SessionSaveEveryRequest = mode.everyRequest
		m, auth := c.start(t)
		m.Overwrite, m.ReadOnly = mode.overwrite, mode.readOnly
		server := httptest.NewServer(goService(m, auth))
		defer server.Close()
		visitors := s.visitors(t, server.URL, names(fmt.Sprintf("%s-%d", id, i))...)
		before := s.rows(t)

		changes := (wrong.what == readable || wrong.what == somewhat) && !mode.readOnly
		traffic(t, visitors, server.URL, times, "/read", "/user", "/static")
		if !changes || !mode.everyRequest {
			s.mustHave(t, mode.name+", reading", before)
		}
		if names := s.loggedOut(t, visitors, server.URL); len(names) > 0 {
			t.Errorf("%s, reading: %d of %d are logged out: %q", mode.name, len(names), len(visitors), names)
		}
		paths := []string{"/write", "/read", "/write", "/user", "/static"}
		if wrong.what != readable { // else the login has another key, as is right
			paths = append(paths, "/login")
		}
		if wrong.what == untouched || wrong.what == takesCookies {
			paths = append(paths, "/logout-and-write")
		}
		traffic(t, visitors, server.URL, times, paths...)
		if !changes {
			s.mustHave(t, mode.name, before)
		}
		if names := s.damaged(t, visitors); len(names) > 0 {
			t.Errorf("%s: %d sessions have been damaged: %q", mode.name, len(names), names)
		}
		names := s.loggedOut(t, visitors, server.URL)
		if takes := wrong.what == takesCookies && !mode.readOnly; takes != (len(names) > 0) {
			t.Errorf("%s: %d of %d are logged out: %q", mode.name, len(names), len(visitors), names)
		}
	}
}

func names(suffix string) (names []string) {
	for _, name := range strings.Fields("ann bob cem dia") {
		names = append(names, name+suffix)
	}
	return names
}

// start makes the manager, as a service would that does not check its settings.
func (c *config) start(t *testing.T) (*djsession.Manager, *djauth.Auth) {
	t.Helper()
	database := c.site.open(t, c.settings)
	if c.store == nil {
		c.store = database
	}
	m := newManager(t, c.store, c.settings)
	m.AcceptEmptyStore = false // as a live site has it
	m.Observer = nil
	users, err := djauth.UsersIn(database, djauth.UserModel{})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := djauth.New(users)
	if err != nil {
		t.Fatal(err)
	}
	if c.backends != nil {
		auth.AuthenticationBackends = c.backends
	}
	return m, auth
}

// mustHave is that no row of the site's has been changed. (Where the service takes
// the site's store for its own, a visitor who is new gets a row of his own.)
func (s *loggedInSite) mustHave(t *testing.T, when string, before []string) {
	t.Helper()
	now := s.rows(t)
	for _, row := range before {
		if !slices.Contains(now, row) {
			t.Errorf("%s: this row is gone, or another: %s", when, row)
		}
	}
}

// A second process sees the sessions that the first one made in an empty database,
// and they are no proof that it is the site's.
func TestWrongConfigOfSeveralProcesses(t *testing.T) {
	t.Parallel()
	site := startLoggedInSite(t, "5.2", djangotest.SecretKey)
	empty := startLoggedInSite(t, "5.2", djangotest.SecretKey)
	site.runSeveral(t, func() *config { return &config{settings: site.settings(t), site: empty} })
}

// runSeveral has two processes of a service run that is not set up as the site is.
func (s *loggedInSite) runSeveral(t *testing.T, wrong func() *config) {
	t.Helper()
	var servers []*httptest.Server
	for range 2 {
		m, auth := wrong().start(t)
		server := httptest.NewServer(goService(m, auth))
		defer server.Close()
		servers = append(servers, server)
	}
	visitors := s.visitors(t, servers[0].URL, names("")...)
	// Cookies are of a host, whatever the port.
	for range 3 {
		for _, server := range servers {
			traffic(t, visitors, server.URL, 2, "/write", "/read")
		}
	}
	if names := s.loggedOut(t, visitors, servers[0].URL); len(names) > 0 {
		t.Errorf("%d of %d are logged out: %q", len(names), len(visitors), names)
	}
}
