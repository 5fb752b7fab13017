package sqldialect

import (
	"fmt"
	"strings"
)

// ByVendor returns the dialect of Django's connection.vendor.
func ByVendor(vendor string) (*Dialect, error) {
	known := []*Dialect{PostgreSQL, MySQL, SQLite}
	for _, d := range known {
		if d.Vendor == vendor {
			return d, nil
		}
	}
	return nil, fmt.Errorf("unknown dialect %q: want %q, %q or %q", vendor, known[0].Vendor, known[1].Vendor, known[2].Vendor)
}

// CheckTable tells what Quote cannot make a table's name of.
func CheckTable(name string) error {
	parts := strings.Split(name, ".")
	for _, part := range parts {
		if part == "" || strings.IndexByte(part, 0) >= 0 || len(parts) > 2 {
			return fmt.Errorf("table name %q: want table or schema.table", name)
		}
	}
	return nil
}
