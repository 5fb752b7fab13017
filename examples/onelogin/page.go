package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
)

//go:embed pages style.css
var files embed.FS

var pages = template.Must(template.ParseFS(files, "pages/*.html"))

// render makes the whole page before it sends the first byte. So an error can still replace the page.
func render(w http.ResponseWriter, name string, data any) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes()) // fails if the client has left, or if the session was not saved: then the response is an error page
	return nil
}

// style is the stylesheet of both sides.
func style(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "style.css") }
