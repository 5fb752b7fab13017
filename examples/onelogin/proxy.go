package main

import (
	"net/http/httputil"
	"net/url"
)

// newProxy passes requests on to Django. It keeps the browser's Host, because Django compares that with the Origin of a posted
// form. It sets the X-Forwarded headers itself, and ignores those of the browser.
func newProxy(site *url.URL) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(site)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}
}
