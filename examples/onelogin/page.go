package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"

	"github.com/djsess/djsess/djsession"
)

// page is a handler that may fail. Error logs why, and answers; a status of 500, as most errors are answered with, saves
// nothing to the session.
type page func(w http.ResponseWriter, r *http.Request) error

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := p(w, r); err != nil {
		djsession.Error(w, r, err)
	}
}

//go:embed pages style.css
var files embed.FS

var pages = template.Must(template.ParseFS(files, "pages/*.html"))

// render makes the whole page before it sends the first byte, so that it can still fail.
func render(w http.ResponseWriter, name string, data any) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes()) // it fails when nobody waits for it, or the session was not saved, which has been answered
	return nil
}

// style is the stylesheet of both sides.
func style(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "style.css") }
