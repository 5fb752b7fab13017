package middlewaretest

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// golang is the Go side of the table: a real server, and a client that follows no redirect.
type golang struct {
	t      testing.TB
	engine Engine
	peer   *peer
	server *httptest.Server
	client *http.Client
	sites  map[string]goSite
	next   http.Handler // the handler of the current row
}

type goSite struct {
	settings *djsession.Settings
	store    djsession.Store
}

func startGo(t testing.TB, e Engine, p *peer) *golang {
	g := &golang{t: t, engine: e, peer: p, sites: map[string]goSite{}}
	g.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.next.ServeHTTP(w, r) }))
	t.Cleanup(g.server.Close)
	g.client = g.server.Client()
	g.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return g
}

// run sends the row to a Go handler. With overwrite its manager saves as Django does; otherwise it merges concurrent writes.
func (g *golang) run(t testing.TB, r Row, overwrite bool) string {
	t.Helper()
	o := g.peer.seed(t, r)
	site := g.site(t, r)
	m, err := djsession.NewManager(site.store)
	if err != nil {
		t.Fatal(err)
	}
	m.Overwrite = overwrite
	m.AcceptEmptyStore = true // otherwise it deletes no cookie before it has loaded a session
	m.Observer = nil
	g.next = m.Handler(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { g.view(t, r, w, req, &o.Saw) }))

	req, err := http.NewRequest(r.Method, g.server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header["Cookie"] = r.cookieLines(o.keys)
	res, err := g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	o.Status = res.StatusCode
	for name, values := range res.Header {
		for _, v := range values {
			o.Headers = append(o.Headers, [2]string{name, v})
		}
	}
	g.peer.observe(t, r, &o)
	return o.String()
}

// site returns the settings and the store of a row.
func (g *golang) site(t testing.TB, r Row) goSite {
	name := fmt.Sprint(r.Settings)
	s, ok := g.sites[name]
	if !ok {
		s.settings = goSettings(t, r.Settings, g.peer.now)
		s.store = g.engine.Open(g.t, s.settings)
		g.sites[name] = s
	}
	return s
}

// view runs the row's script.
func (g *golang) view(t testing.TB, r Row, w http.ResponseWriter, req *http.Request, saw *[]string) {
	for _, v := range r.Vary {
		w.Header().Add("Vary", v)
	}
	for statement := range strings.SplitSeq(r.Script, "; ") {
		op, rest, _ := strings.Cut(statement, " ")
		switch op {
		case "":
		case "them":
			g.peer.meanwhile(t, r, rest)
		case "cookie":
			name, value, _ := strings.Cut(rest, "=")
			http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/"})
		case "raise":
			w.WriteHeader(raised[rest])
			return
		default:
			session, err := djsession.FromRequest(req)
			if err != nil {
				djsession.Error(w, req, err)
				return
			}
			result, err := perform(req.Context(), session, g.peer.now(), statement)
			switch {
			case errors.Is(err, djsession.ErrNoValue):
				*saw = append(*saw, statement+": KeyError")
			case err != nil:
				djsession.Error(w, req, err)
				return
			case result != "":
				*saw = append(*saw, statement+" = "+result)
			}
		}
	}
	w.WriteHeader(r.Status)
}

// raised are the statuses by which Django answers exceptions.
var raised = map[string]int{"400": 400, "bad": 400, "403": 403, "404": 404, "500": 500}

// goSettings returns Django's settings in Go.
func goSettings(t testing.TB, django map[string]any, now func() time.Time) *djsession.Settings {
	t.Helper()
	s, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	s.Now = now
	s.AcceptNewKey = true // otherwise it signs nothing before it has seen that Django uses the key
	for name, value := range django {
		if err := set(s, name, value); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func set(s *djsession.Settings, name string, value any) error {
	text, _ := value.(string) // "" for None and False
	on, _ := value.(bool)
	switch name {
	case "SESSION_COOKIE_NAME":
		s.SessionCookieName = text
	case "SESSION_COOKIE_AGE":
		s.SessionCookieAge = time.Duration(value.(float64) * float64(time.Second))
	case "SESSION_COOKIE_DOMAIN":
		s.SessionCookieDomain = text
	case "SESSION_COOKIE_PATH":
		s.SessionCookiePath = text
	case "SESSION_COOKIE_SAMESITE":
		s.SessionCookieSameSite = text
	case "SESSION_COOKIE_SECURE":
		s.SessionCookieSecure = on
	case "SESSION_COOKIE_HTTPONLY":
		s.SessionCookieHTTPOnly = on
	case "SESSION_SAVE_EVERY_REQUEST":
		s.SessionSaveEveryRequest = on
	case "SESSION_EXPIRE_AT_BROWSER_CLOSE":
		s.SessionExpireAtBrowserClose = on
	case "SECRET_KEY_FALLBACKS":
		s.SecretKeyFallbacks = value.([]string)
	case "USE_TZ":
		s.UseTZ = on
	case "TIME_ZONE":
		s.TimeZone = text
	default:
		return fmt.Errorf("no setting %s in Go", name)
	}
	return nil
}
