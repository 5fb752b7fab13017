package main

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed statspage.html
var statsPageText string

// writeHTML writes the statistics as a page. html/template escapes what visitors have chosen, such as names.
func (v *statsView) writeHTML(w io.Writer) error {
	page, err := template.New("stats").Parse(statsPageText)
	if err != nil {
		return err
	}
	return page.Execute(w, v)
}
