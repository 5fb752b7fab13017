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

// wrongConfig is a Go service whose settings differ from the site's.
type wrongConfig struct {
	name string
	site string // the version of the site's Django
	// setUp changes the right configuration.
	setUp func(t *testing.T, c *config)
	what  outcome
}

// outcome is the effect of a wrong configuration on the site.
type outcome int

const (
	untouched outcome = iota
	// readable: the service can still read the site's sessions. So its handlers change them, and
	// nothing else changes.
	readable
	// somewhat: the service finds some of the site's sessions by chance, and its handlers change
	// these.
	somewhat
	// takesCookies: all settings of the service are those of another site. So it takes that site's
	// store for the right one, and our visitors' keys are unknown there. No row changes. A visitor
	// who only reads keeps the cookie. A visitor for whom a value is stored gets another one.
	takesCookies
)

// config is the configuration of a service.
type config struct {
	settings *djsession.Settings
	site     *loggedInSite // the site whose database the service uses
	store    djsession.Store
	backends []string
	others   map[string]*loggedInSite // other sites by their SECRET_KEY
}

// another returns another site with this SECRET_KEY and these users.
func (c *config) another(t *testing.T, secretKey string, users ...string) *loggedInSite {
	t.Helper()
	s := c.others[secretKey]
	s.Do(t, `Session.objects.all().delete(); User.objects.all().delete()`, nil, nil)
	s.Do(t, `log_in_all(args or ())`, users, nil)
	return s
}

var wrongConfigs = []wrongConfig{
	{"SECRET_KEY", djangotest.Newest, func(t *testing.T, c *config) { c.settings.SecretKey = "another" }, untouched},
	{"session class", djangotest.Newest, func(t *testing.T, c *config) { c.settings.SessionStoreClass = "CustomSession" }, untouched},
	{"an empty database", djangotest.Newest, func(t *testing.T, c *config) { c.site = c.another(t, djangotest.SecretKey) }, untouched},
	{"an empty database, and key", djangotest.Newest, func(t *testing.T, c *config) {
		c.settings.SecretKey = "another"
		c.site = c.another(t, "another")
	}, untouched},
	{"another site's database", djangotest.Newest, func(t *testing.T, c *config) { c.site = c.another(t, "another", "x", "y") }, untouched},
	{"another site's database, and key", djangotest.Newest, func(t *testing.T, c *config) {
		c.settings.SecretKey = "another"
		c.site = c.another(t, "another", "x", "y")
	}, takesCookies},
	{"another site's database with the same key", djangotest.Newest, func(t *testing.T, c *config) {
		c.site = c.another(t, djangotest.SecretKey, "x", "y")
	}, takesCookies},
	{"an empty folder", djangotest.Newest, func(t *testing.T, c *config) {
		var err error
		if c.store, err = filestore.New(filestore.Config{Dir: t.TempDir(), Settings: c.settings}); err != nil {
			t.Fatal(err)
		}
	}, untouched},
	{"signed cookies", djangotest.Newest, func(t *testing.T, c *config) {
		var err error
		if c.store, err = cookiestore.New(c.settings); err != nil {
			t.Fatal(err)
		}
	}, untouched},
	{"2.2 for the newest", djangotest.Newest, runs("2.2"), untouched},
	{"the newest for 2.2", "2.2", runs(djangotest.Newest), untouched},
	{"2.2 for 3.2", "3.2", runs("2.2"), untouched},
	{"3.2 for the newest", djangotest.Newest, runs("3.2"), readable}, // both sign in the same way
	{"the newest for 3.2", "3.2", runs(djangotest.Newest), readable},
	{"backend", djangotest.Newest, func(t *testing.T, c *config) { c.backends = []string{"site.backends.EmailBackend"} }, readable},
	{"cookie name", djangotest.Newest, func(t *testing.T, c *config) { c.settings.SessionCookieName = "session" }, untouched},
}

// runs configures another DJANGO_VERSION than the site's.
func runs(v string) func(t *testing.T, c *config) {
	return func(t *testing.T, c *config) {
		var err error
		if c.settings, err = djsession.NewSettings(v, djangotest.SecretKey); err != nil {
			t.Fatal(err)
		}
	}
}

// A Go service whose settings differ from the site's logs no visitor out and changes no row.
func TestWrongConfig(t *testing.T) {
	t.Parallel()
	sites := map[string]*loggedInSite{}
	versions := []string{"2.2", "3.2", djangotest.Newest}
	if testing.Short() {
		versions = versions[2:]
	}
	for _, v := range versions {
		sites[v] = startLoggedInSite(t, v, djangotest.SecretKey)
	}
	others := map[string]*loggedInSite{}
	for _, key := range []string{djangotest.SecretKey, "another"} {
		others[key] = startLoggedInSite(t, djangotest.Newest, key)
	}
	for i, wrong := range wrongConfigs {
		if testing.Short() && wrong.site != djangotest.Newest {
			continue
		}
		t.Run(wrong.name, func(t *testing.T) {
			sites[wrong.site].run(t, wrong, fmt.Sprint(i), others)
		})
	}
}

// run runs a service with a wrong configuration in each mode of the manager.
func (s *loggedInSite) run(t *testing.T, wrong wrongConfig, id string, others map[string]*loggedInSite) {
	times := 10 // for each of the two calls of traffic
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
		if testing.Short() && i > 0 {
			continue
		}
		c := &config{settings: s.settings(t), site: s, others: others}
		c.settings.SessionSaveEveryRequest = mode.everyRequest
		wrong.setUp(t, c) // it may open a store, or replace the settings
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
		if wrong.what != readable { // otherwise a login rightly gets another key
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

// start makes the manager, like a service that does not call Check.
func (c *config) start(t *testing.T) (*djsession.Manager, *djauth.Auth) {
	t.Helper()
	database := c.site.open(t, c.settings)
	if c.store == nil {
		c.store = database
	}
	m := newManager(t, c.store, c.settings)
	m.AcceptEmptyStore = false // as for a live site
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

// mustHave checks that no row of the site has changed. (If the service takes the site's store for
// the right one, a new visitor gets a new row.)
func (s *loggedInSite) mustHave(t *testing.T, when string, before []string) {
	t.Helper()
	now := s.rows(t)
	for _, row := range before {
		if !slices.Contains(now, row) {
			t.Errorf("%s: this row is gone or was changed: %s", when, row)
		}
	}
}

// A second process sees the sessions that the first one created in an empty database. They are no
// proof that the database is the site's.
func TestWrongConfigOfSeveralProcesses(t *testing.T) {
	t.Parallel()
	site := startLoggedInSite(t, djangotest.Newest, djangotest.SecretKey)
	empty := startLoggedInSite(t, djangotest.Newest, djangotest.SecretKey)
	site.runSeveral(t, func() *config { return &config{settings: site.settings(t), site: empty} })
}

// runSeveral runs two processes of a service with a wrong configuration.
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
	// A cookie belongs to a host, whatever the port is.
	for range 3 {
		for _, server := range servers {
			traffic(t, visitors, server.URL, 2, "/write", "/read")
		}
	}
	if names := s.loggedOut(t, visitors, servers[0].URL); len(names) > 0 {
		t.Errorf("%d of %d are logged out: %q", len(names), len(visitors), names)
	}
}
