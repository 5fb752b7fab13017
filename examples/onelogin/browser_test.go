package main

import (
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// browser is the browser of a visitor. It keeps cookies, follows redirects, and posts forms as
// browsers do.
type browser struct {
	t      *testing.T
	site   *program
	client *http.Client
}

func newBrowser(t *testing.T, site *program) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, site, &http.Client{Jar: jar}}
}

// shown is a page that a browser shows.
type shown struct {
	status int
	path   string // with the query, after all redirects
	body   string
}

// text returns the text of the element with an id, or "" if the page has no such element.
func (s shown) text(id string) string {
	m := regexp.MustCompile(` id="` + id + `">([^<]*)<`).FindStringSubmatch(s.body)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

func (b *browser) do(method, path string, header http.Header, form url.Values) shown {
	b.t.Helper()
	r, err := http.NewRequest(method, b.site.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	maps.Copy(r.Header, header)
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return shown{answer.StatusCode, answer.Request.URL.RequestURI(), string(body)}
}

func (b *browser) get(path string) shown { return b.do("GET", path, nil, nil) }

var csrfToken = regexp.MustCompile(`name="csrfmiddlewaretoken" value="([^"]+)"`)

// submit fills in the form of a page and sends it to action.
func (b *browser) submit(on, action string, form url.Values) shown {
	b.t.Helper()
	form = maps.Clone(form)
	if form == nil {
		form = url.Values{}
	}
	if m := csrfToken.FindStringSubmatch(b.get(on).body); m != nil {
		form.Set("csrfmiddlewaretoken", m[1])
	}
	answer := b.do("POST", action, http.Header{"Origin": {b.site.url}, "Sec-Fetch-Site": {"same-origin"}}, form)
	if answer.status != http.StatusOK {
		b.t.Fatalf("POST %s: %d\n%s", action, answer.status, answer.body)
	}
	return answer
}

// logIn logs alice in at Django, and returns the page that is shown next.
func (b *browser) logIn(next string) shown {
	b.t.Helper()
	path := "/accounts/login/?next=" + next
	return b.submit(path, path, url.Values{"username": {"alice"}, "password": {b.site.password}})
}

// wantUser checks which user a page shows.
func (b *browser) wantUser(path, want string) {
	b.t.Helper()
	if got := b.get(path).text("user"); got != want {
		b.t.Errorf("%s shows the user %q, want %q", path, got, want)
	}
}

// copy returns another browser with the same cookies.
func (b *browser) copy() *browser {
	u, err := url.Parse(b.site.url)
	if err != nil {
		b.t.Fatal(err)
	}
	c := newBrowser(b.t, b.site)
	c.client.Jar.SetCookies(u, b.client.Jar.Cookies(u))
	return c
}
