package djcookie_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/internal/djcookie"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }

// Lookup returns what Django's parse_cookie returns, for chosen and for random headers.
func TestLookup(t *testing.T) {
	headers := []string{
		"", "sessionid", "sessionid=", "=x", "sessionid=a; sessionid=b", "sessionid=a;sessionid", "a=sessionid=b",
		"Sessionid=a", " sessionid = a b ", "\tsessionid\t=\ta\t", `sessionid="a"`, `sessionid="a`, `sessionid="`, `sessionid=""`,
		`sessionid="\141\142"`, `sessionid="\400\08\377"`, `sessionid="a\"b\\c\d"`, `sessionid="a\"`, `sessionid="\`, `sessionid="a;b"`,
		`sessionid=a,b; x=y`, `sessionid=a"b"`, "sessionid=é", "sessionid=\u00a0a\u2003", "sessionid=a==; ;;", `sessionid="\303\251é\é"`,
	}
	parts := []string{"sessionid", "x", "=", ";", " ", `"`, `\`, "1", "0", "7", "\t", "é", "a", ",", `\101`, `"sessionid"`}
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var b strings.Builder
		for range random.IntN(14) {
			b.WriteString(parts[random.IntN(len(parts))])
		}
		headers = append(headers, b.String())
	}
	django := djangotest.Start(t, djangotest.Newest, nil)
	var want []*string
	django.Do(t, `
		from django.http.cookie import parse_cookie
		result = [parse_cookie(header).get("sessionid") for header in args]
	`, headers, &want)
	for i, header := range headers {
		got, found := djcookie.Lookup([]string{header}, "sessionid")
		switch {
		case found != (want[i] != nil):
			t.Errorf("%q: found %v", header, found)
		case found && got != *want[i]:
			t.Errorf("%q: %q, Django has %q", header, got, *want[i])
		}
	}
}

func TestLookupInSeveralLines(t *testing.T) {
	got, _ := djcookie.Lookup([]string{"sessionid=a", "x=y; sessionid=b", "z=1"}, "sessionid")
	if got != "b" {
		t.Errorf("got %q", got)
	}
	if n := testing.AllocsPerRun(100, func() { djcookie.Lookup([]string{"x=y; sessionid=b"}, "sessionid") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCookieIsDjangos(t *testing.T) {
	type cookie struct {
		Value, Domain, Path, SameSite string
		Secure, HTTPOnly, Lasts       bool
		MaxAge                        int64
	}
	var cookies []cookie
	for _, value := range []string{"abc123", "", `a"b\c`, "a b;c,d", "eyJhIjoxfQ:1w:x-_", "\x01\x7f"} {
		for i := range 16 {
			c := cookie{Value: value, Path: "/", Secure: i&1 > 0, HTTPOnly: i&2 > 0, Lasts: i&4 > 0, MaxAge: int64(i*1000 - 3000)}
			if i&8 > 0 {
				c.Domain, c.Path, c.SameSite = ".example.com", "/shop", "Strict"
			}
			cookies = append(cookies, c)
		}
	}
	const now = 1763899200
	django := djangotest.Start(t, djangotest.Newest, nil)
	var want []string
	django.Do(t, fmt.Sprintf(`
		from django.http import HttpResponse
		from django.utils.http import http_date
		result = []
		for c in args:
			r = HttpResponse()
			lasts = {"max_age": c["MaxAge"], "expires": http_date(%d + c["MaxAge"])} if c["Lasts"] else {"max_age": None, "expires": None}
			r.set_cookie("sessionid", c["Value"], domain=c["Domain"] or None, path=c["Path"], samesite=c["SameSite"],
				secure=c["Secure"] or None, httponly=c["HTTPOnly"] or None, **lasts)
			result.append(r.cookies["sessionid"].OutputString())
	`, now), cookies, &want)
	for i, c := range cookies {
		got := djcookie.Cookie{Name: "sessionid", Value: c.Value, Domain: c.Domain, Path: c.Path, SameSite: c.SameSite,
			Secure: c.Secure, HTTPOnly: c.HTTPOnly, Lasts: c.Lasts, MaxAge: c.MaxAge, Expires: time.Unix(now+c.MaxAge, 0)}.String()
		if got != want[i] {
			t.Errorf("%+v\n%s\nDjango: %s", c, got, want[i])
		}
	}
	var deleted []string
	names := []string{"sessionid", "__Host-s", "__Secure-s"}
	django.Do(t, `
		result = []
		for name in args:
			for samesite in ("Lax", "None", ""):
				r = HttpResponse()
				r.delete_cookie(name, path="/", domain=None, samesite=samesite)
				result.append(r.cookies[name].OutputString())
	`, names, &deleted)
	i := 0
	for _, name := range names {
		for _, sameSite := range []string{"Lax", "None", ""} {
			if got := djcookie.Deleted(name, "", "/", sameSite).String(); got != deleted[i] {
				t.Errorf("%s %s: %s\nDjango: %s", name, sameSite, got, deleted[i])
			}
			i++
		}
	}
}

func TestAddVaryIsDjangos(t *testing.T) {
	values := []string{"", "Accept", "cookie", "Accept-Encoding,Accept", "Accept , Cookie", "*", "Accept, *", "X-Cookie"}
	django := djangotest.Start(t, djangotest.Newest, nil)
	var want []string
	django.Do(t, `
		from django.http import HttpResponse
		from django.utils.cache import patch_vary_headers
		result = []
		for value in args:
			r = HttpResponse()
			if value:
				r["Vary"] = value
			patch_vary_headers(r, ("Cookie",))
			result.append(r["Vary"])
	`, values, &want)
	for i, value := range values {
		h := http.Header{}
		if value != "" {
			h.Set("Vary", value)
		}
		djcookie.AddVary(h, "Cookie")
		if got := h["Vary"]; len(got) != 1 || got[0] != want[i] {
			t.Errorf("%q: %q, Django has %q", value, got, want[i])
		}
	}
	h := http.Header{"Vary": {"Accept", "Accept-Language"}}
	if djcookie.AddVary(h, "Cookie"); strings.Join(h["Vary"], "|") != "Accept, Accept-Language, Cookie" {
		t.Errorf("several lines: %q", h["Vary"])
	}
}

// A cookie replaces the cookie of the same name, and no other cookie.
func TestSet(t *testing.T) {
	h := http.Header{"Set-Cookie": {"sessionid=old; Path=/", "sessionid2=x", "a=b"}}
	djcookie.Cookie{Name: "sessionid", Value: "new"}.Set(h)
	if got := strings.Join(h["Set-Cookie"], "|"); got != "sessionid2=x|a=b|sessionid=new" {
		t.Error(got)
	}
}
