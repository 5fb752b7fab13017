package sqldialect

import (
	"strconv"
	"strings"
)

// Statement is SQL with its parameters in the order in which the database
// counts them.
type Statement struct {
	SQL    string
	params []string
}

// Compile turns :name parameters into the dialect's placeholders. A name may
// stand several times.
func (d *Dialect) Compile(sql string) Statement {
	var s Statement
	var out strings.Builder
	numbers, quotes := map[string]int{}, 0
	for {
		before, rest, found := strings.Cut(sql, ":")
		out.WriteString(before)
		quotes += strings.Count(before, d.QuoteChar)
		if !found {
			break
		}
		// Within quotes a colon is part of a name. A quote in a name is doubled, so the
		// number of quotes is odd only within quotes.
		if quotes%2 == 1 {
			out.WriteByte(':')
			sql = rest
			continue
		}
		n := 0
		for n < len(rest) && (rest[n] >= 'a' && rest[n] <= 'z' || rest[n] >= '0' && rest[n] <= '9') {
			n++
		}
		name := rest[:n]
		if !d.NumberedParams {
			out.WriteByte('?')
			s.params = append(s.params, name)
		} else {
			if numbers[name] == 0 {
				s.params = append(s.params, name)
				numbers[name] = len(s.params)
			}
			out.WriteString("$" + strconv.Itoa(numbers[name]))
		}
		sql = rest[n:]
	}
	s.SQL = out.String()
	return s
}

// Args are named values of a statement's parameters.
type Args map[string]any

// Bind puts the values in the statement's order.
func (s Statement) Bind(args Args) []any {
	bound := make([]any, len(s.params))
	for i, name := range s.params {
		bound[i] = args[name]
	}
	return bound
}
