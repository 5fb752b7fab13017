package djsession_test

import (
	"net/http/httptest"
	"testing"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// A site whose Django is newer than all releases that djsess knows is served as one with the newest of them.
func TestNewerDjango(t *testing.T) {
	t.Parallel()
	site := startLoggedInSite(t, djangotest.Newest, djangotest.SecretKey)
	site.Do(t, `
		import django
		django.VERSION = (2028, 1, 0, "final", 0)
		django.__version__ = result = django.get_version()
	`, nil, &site.Version) // which the service is told
	if site.Version != "2028.1" {
		t.Fatalf("the Django calls itself %s", site.Version)
	}
	c := &config{settings: site.settings(t), site: site}
	m, auth := c.start(t)
	server := httptest.NewServer(goService(m, auth))
	defer server.Close()
	visitors := site.visitors(t, server.URL, names("")...)
	traffic(t, visitors, server.URL, 2, "/read", "/user", "/write", "/read")
	if err := m.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if names := site.loggedOut(t, visitors, server.URL); len(names) > 0 {
		t.Errorf("%d of %d are logged out: %q", len(names), len(visitors), names)
	}
	if names := site.damaged(t, visitors); len(names) > 0 {
		t.Errorf("%d sessions have been damaged: %q", len(names), names)
	}
	var seen string
	if site.Do(t, `result = repr(SessionStore(args)["go"])`, visitors[0].key, &seen); seen != "1" {
		t.Errorf("Django reads %s, not the 1 that Go wrote", seen)
	}
}
