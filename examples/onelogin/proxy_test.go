package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// Django receives the browser's Host, and only those headers about forwarding that the proxy sets.
func TestProxy(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host, r.URL, r.Header["X-Forwarded-Host"], r.Header["X-Forwarded-Proto"], r.Header["X-Forwarded-For"], r.Header["Forwarded"])
	}))
	defer site.Close()
	target, err := url.Parse(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "http://shop.example:8000/a%2Fb?c=d", nil)
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For", "Forwarded"} {
		r.Header.Set(name, "forged")
	}
	w := httptest.NewRecorder()
	newProxy(target).ServeHTTP(w, r)
	const want = "shop.example:8000/a%2Fb?c=d [shop.example:8000] [http] [192.0.2.1] []"
	if got := w.Body.String(); got != want {
		t.Errorf("Django received %s, want %s", got, want)
	}
}
