package main

import (
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
)

// adviseSizes prints how much room the store took before and after, and who gets the room of the
// removed sessions.
func (a *app) adviseSizes(report *ops.ClearReport) {
	switch before, after := report.Before, report.After; {
	case before != nil && after != nil:
		a.advise("before: " + sizeShown(before))
		a.advise("after: " + sizeShown(after))
		a.advise(after.Reclaim)
	case before != nil:
		a.advise("size: " + sizeShown(before))
	}
}

// sizeShown returns a size for people to read.
func sizeShown(s *djsession.StoreSize) string {
	var parts []string
	add := func(n int64, text string) {
		if n >= 0 {
			parts = append(parts, text)
		}
	}
	unit, files := "rows", "database file"
	if s.Reclaim == "" && s.Files >= 0 {
		unit, files = "files", "together"
	}
	add(s.Sessions, "about "+thousands(s.Sessions)+" "+unit)
	add(s.Table, "table "+bytesShown(s.Table))
	add(s.Indexes, "indexes "+bytesShown(s.Indexes))
	add(s.Files, files+" "+bytesShown(s.Files))
	add(s.Free, bytesShown(s.Free)+" of it free")
	add(s.Dead, "about "+thousands(s.Dead)+" dead rows")
	if !s.Vacuumed.IsZero() {
		parts = append(parts, "last vacuum "+timeShown(s.Vacuumed))
	}
	return strings.Join(parts, ", ")
}

// sizeObject returns a size for programs. What is not known is left out.
func sizeObject(s *djsession.StoreSize) map[string]any {
	object := map[string]any{}
	for name, n := range map[string]int64{
		"sessions": s.Sessions, "table_bytes": s.Table, "index_bytes": s.Indexes, "file_bytes": s.Files, "free_bytes": s.Free, "dead_rows": s.Dead,
	} {
		if n >= 0 {
			object[name] = n
		}
	}
	if !s.Vacuumed.IsZero() {
		object["vacuumed"] = s.Vacuumed.Format(time.RFC3339)
	}
	return object
}
