package main

import (
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// A browser uses every page of the example through its proxy.
func TestOneLogin(t *testing.T) {
	djangotest.NotShort(t, "it starts the whole example")
	site := start(t, t.TempDir())
	for _, test := range []struct {
		name string
		run  func(t *testing.T, site *program)
	}{
		{"cookie without a session", testUnknownCookie}, // first, while there are no sessions
		{"login", testLogin},
		{"set in Django, get in Go", func(t *testing.T, site *program) { testSet(t, site, "", "/go") }},
		{"set in Go, get in Django", func(t *testing.T, site *program) { testSet(t, site, "/go", "") }},
		{"cart", testCart},
		{"cart, all at once", testCartAtOnce},
		{"logout in Django", func(t *testing.T, site *program) { testLogout(t, site, "/", "/accounts/logout/") }},
		{"logout in Go", func(t *testing.T, site *program) { testLogout(t, site, "/go/", "/go/logout") }},
		{"post from elsewhere", testCrossSite},
		{"password change", testPasswordChange},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, site) })
	}
}

// A visitor who opens a page of Go's that needs a user is sent to Django's login, and from there
// back.
func testLogin(t *testing.T, site *program) {
	b := newBrowser(t, site)
	b.wantUser("/", "nobody")
	b.wantUser("/go/", "nobody")
	login := b.get("/go/account?tab=1")
	if want := "/accounts/login/?next=/go/account%3Ftab%3D1"; login.path != want {
		t.Fatalf("sent to %s, want %s", login.path, want)
	}
	account := b.submit(login.path, login.path, url.Values{"username": {"alice"}, "password": {site.password}})
	if account.path != "/go/account?tab=1" || account.text("user") != "alice" || account.text("email") != "alice@example.com" {
		t.Errorf("after the login: %s, %q, %q", account.path, account.text("user"), account.text("email"))
	}
	for _, path := range []string{"/", "/go/", "/account"} {
		b.wantUser(path, "alice")
	}
}

func testSet(t *testing.T, site *program, set, get string) {
	b := newBrowser(t, site)
	want := [2]string{"Zoë <b>&amp; 😀", "zoe@example.com"}
	b.submit(set+"/setsession", set+"/setsession", url.Values{"sname": want[:1], "semail": want[1:]})
	for _, side := range []string{set, get} {
		p := b.get(side + "/getsession")
		if got := [2]string{p.text("sname"), p.text("semail")}; got != want {
			t.Errorf("%s/getsession: %q, want %q", side, got, want)
		}
	}
}

func (b *browser) add(side, item string, by int) {
	b.t.Helper()
	b.submit(side+"/cart", side+"/cart", url.Values{"item": {item}, "by": {strconv.Itoa(by)}})
}

func (b *browser) wantCart(item string, want int) {
	b.t.Helper()
	for _, path := range []string{"/cart", "/go/cart"} {
		if got := b.get(path).text(item); got != strconv.Itoa(want) {
			b.t.Errorf("%s: %s %s, want %d", path, got, item, want)
		}
	}
}

func testCart(t *testing.T, site *program) {
	b := newBrowser(t, site)
	b.wantCart("tea", 0)
	b.logIn("/go/cart")
	for n := range 4 {
		b.add("", "tea", 1)
		b.add("/go", "tea", 1)
		b.wantCart("tea", 2*(n+1))
	}
	b.add("", "cake", 1)
	b.add("/go", "cake", -1)
	b.add("/go", "tea", -1)
	b.wantCart("cake", 0)
	b.wantCart("tea", 7)
	b.wantUser("/", "alice")
}

// If Go requests change one cart at the same time, no change is lost.
func testCartAtOnce(t *testing.T, site *program) {
	b := newBrowser(t, site)
	b.add("", "coffee", 1)
	var all sync.WaitGroup
	const n = 12
	for range n {
		all.Go(func() {
			if p := b.do("POST", "/go/cart", nil, url.Values{"item": {"coffee"}, "by": {"1"}}); p.status != http.StatusOK {
				t.Errorf("status %d", p.status)
			}
		})
	}
	all.Wait()
	b.wantCart("coffee", 1+n)
}

// A visitor who logs out at one side is logged out at both, even with the old cookie.
func testLogout(t *testing.T, site *program, on, action string) {
	b := newBrowser(t, site)
	b.logIn("/")
	before := b.copy()
	before.wantUser("/", "alice")
	before.wantUser("/go/", "alice")
	b.submit(on, action, nil)
	for _, path := range []string{"/", "/go/"} {
		b.wantUser(path, "nobody")
		before.copy().wantUser(path, "nobody")
	}
}

// The first visitor of a new site has a cookie from another site at this address. Go replaces the
// cookie, as Django does.
func testUnknownCookie(t *testing.T, site *program) {
	b := newBrowser(t, site)
	u, err := url.Parse(site.url)
	if err != nil {
		t.Fatal(err)
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: "sessionid", Value: "0123456789abcdef0123456789abcdef"}})
	b.add("/go", "tea", 1)
	b.wantCart("tea", 1)
}

// Both sides refuse a form that another site posts.
func testCrossSite(t *testing.T, site *program) {
	b := newBrowser(t, site)
	b.logIn("/")
	for _, path := range []string{"/cart", "/go/cart", "/accounts/logout/", "/go/logout"} {
		header := http.Header{"Origin": {"https://elsewhere.example"}, "Sec-Fetch-Site": {"cross-site"}}
		if p := b.do("POST", path, header, url.Values{"item": {"tea"}, "by": {"1"}}); p.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, p.status)
		}
	}
	b.wantCart("tea", 0)
	b.wantUser("/go/", "alice")
}

// A new password ends every other session of the user at both sides.
func testPasswordChange(t *testing.T, site *program) {
	djangotest.NotShort(t, "it hashes five passwords")
	here, there := newBrowser(t, site), newBrowser(t, site)
	here.logIn("/")
	there.logIn("/")
	const password = "another password"
	account := here.submit("/accounts/password_change/", "/accounts/password_change/",
		url.Values{"old_password": {site.password}, "new_password1": {password}, "new_password2": {password}})
	if account.path != "/account" {
		t.Fatalf("the password was not changed:\n%s", account.body)
	}
	site.password = password
	here.wantUser("/go/", "alice")
	there.wantUser("/go/", "nobody")
	there.wantUser("/", "nobody")
	if path := there.get("/go/account").path; path != "/accounts/login/?next=/go/account" {
		t.Errorf("sent to %s", path)
	}
	there.logIn("/go/")
	there.wantUser("/go/", "alice")
}
