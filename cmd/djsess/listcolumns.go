package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sessionuser"
)

// listColumn is a column of list for people.
type listColumn struct {
	name  string
	width int // positive: of a number, which is aligned to the right
	text  func(listed) string
}

// listed is a session with the name of its user, if that was looked up.
type listed struct {
	*djsession.Record
	username string // "": there is no such user
}

var listColumns = []listColumn{
	{"key", -32, func(r listed) string { return oneLine(shownKey(r.Record)) }},
	{"user", -12, func(r listed) string { return userShown(r.Values, "-") }},
	{"username", -20, usernameShown},
	{"expires", -23, func(r listed) string { return timeShown(r.Expires) }},
	{"values", 6, func(r listed) string { return fmt.Sprint(r.Values.Len()) }},
	{"size", 9, func(r listed) string { return fmt.Sprint(r.Values.Size()) }},
	{"saved", -23, func(r listed) string { return timeShown(r.Origin.SignedAt) }},
	{"names", -1, func(r listed) string {
		return oneLine(strings.Join(slices.Collect(r.Values.Names()), ","))
	}},
}

// columnsFlag is the value of --columns.
type columnsFlag []listColumn

// defaultColumns returns the columns without --columns.
func defaultColumns(withUsernames bool) columnsFlag {
	columns := slices.Clone(listColumns[:5])
	if !withUsernames {
		columns = slices.DeleteFunc(columns, isUsername)
	}
	return columns
}

func isUsername(c listColumn) bool { return c.name == "username" }

// usernameShown returns the name of the user, or the ID if there is no such user.
func usernameShown(r listed) string {
	id := userShown(r.Values, "-")
	if _, loggedIn := sessionuser.ID(r.Values); loggedIn && r.username == "" {
		return id + " (no such user)"
	} else if loggedIn {
		return oneLine(r.username)
	}
	return id
}

// columnNames returns the names of all columns.
func columnNames() string {
	var names []string
	for _, c := range listColumns {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

func (c *columnsFlag) String() string { return "" } // the help names the default
func (c *columnsFlag) Type() string   { return "names of columns with commas between: " + columnNames() }

func (c *columnsFlag) Set(text string) error {
	var chosen []listColumn
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(listColumns, func(c listColumn) bool { return c.name == name })
		if i < 0 {
			return errors.New("no such column")
		}
		chosen = append(chosen, listColumns[i])
	}
	*c = chosen
	return nil
}

// head returns the line of headings.
func (c columnsFlag) head() string {
	return c.line(func(column listColumn) string { return strings.ToUpper(column.name) })
}

// row returns the line of a session.
func (c columnsFlag) row(r listed) string {
	return c.line(func(column listColumn) string { return column.text(r) })
}

func (c columnsFlag) line(text func(listColumn) string) string {
	var b strings.Builder
	for i, column := range c {
		if i > 0 {
			b.WriteString("  ")
		}
		cell := text(column)
		pad := strings.Repeat(" ", max(max(column.width, -column.width)-utf8.RuneCountInString(cell), 0))
		switch {
		case column.width > 0:
			b.WriteString(pad + cell)
		case i == len(c)-1:
			b.WriteString(cell)
		default:
			b.WriteString(cell + pad)
		}
	}
	return b.String()
}
