package main

import (
	"net/http/httputil"
	"net/url"
)

// newProxy passes requests on to Django. The Host stays what the browser sent: Django compares it with the Origin of what
// is posted. The X-Forwarded headers are ours, whatever the browser says.
func newProxy(site *url.URL) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(site)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}
}
