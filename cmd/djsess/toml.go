package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// table is a TOML table. It records the names that were read, so that refuseUnknown can find the
// others. All tables of a file share err, which keeps the first mistake. No message shows a
// value.
type table struct {
	file   string
	name   string // "" for the top
	values map[string]any
	known  []string
	err    *error
}

func (t *table) fail(name, problem string) {
	if *t.err == nil {
		*t.err = configf("%s: %s: %s", t.file, t.fullName(name), problem)
	}
}

// fullName returns a name with the names of the tables around it, escaped and shortened for a
// message.
func (t *table) fullName(name string) string {
	const longest = 60
	name = oneLine(name)
	if utf8.RuneCountInString(name) > longest {
		name = string([]rune(name)[:longest]) + "…"
	}
	if t.name == "" {
		return name
	}
	return t.name + "." + name
}

func (t *table) value(name string) (value any, ok bool) {
	t.known = append(t.known, name)
	value, ok = t.values[name]
	return value, ok
}

// take returns a value, or nil if the table does not have it.
func take[T string | bool | int64](t *table, name string) *T {
	value, ok := t.value(name)
	if !ok {
		return nil
	}
	typed, ok := value.(T)
	if !ok {
		want := map[string]string{"string": "text in double quotes", "bool": "true or false", "int64": "a whole number"}
		t.fail(name, "want "+want[fmt.Sprintf("%T", typed)])
		return nil
	}
	return &typed
}

// text returns a text, or "" if the table does not have it.
func (t *table) text(name string) string {
	if text := take[string](t, name); text != nil {
		return *text
	}
	return ""
}

// texts returns a list of texts.
func (t *table) texts(name string) []string {
	value, ok := t.value(name)
	if !ok {
		return nil
	}
	list, ok := value.([]any)
	texts := []string{}
	for _, item := range list {
		text, isText := item.(string)
		texts, ok = append(texts, text), ok && isText
	}
	if !ok {
		t.fail(name, "want a list of texts in double quotes")
	}
	return texts
}

// oneOrMore returns a text, or the texts of a list that is not empty.
func (t *table) oneOrMore(name string) []string {
	switch value := t.values[name].(type) {
	case string:
		return []string{*take[string](t, name)}
	case []any:
		if len(value) == 0 {
			t.fail(name, "the list is empty")
		}
	case nil:
	default:
		t.fail(name, "want a text or a list of texts, in double quotes")
	}
	return t.texts(name)
}

// command returns a program and its arguments.
func (t *table) command(name string) []string {
	if _, isText := t.values[name].(string); isText {
		t.fail(name, `want a list, the program and its arguments: no shell reads it; where one is needed, say ["sh", "-c", "…"]`)
	}
	args := t.texts(name)
	if args != nil && (len(args) == 0 || args[0] == "") {
		t.fail(name, "want a list that begins with the name of a program")
	}
	return args
}

// sub returns a table inside this one. If there is none, it returns an empty table.
func (t *table) sub(name string) *table {
	s := &table{file: t.file, name: t.fullName(name), err: t.err}
	if value, ok := t.value(name); ok {
		if s.values, ok = value.(map[string]any); !ok {
			t.fail(name, "want a table: ["+s.name+"]")
		}
	}
	return s
}

// refuseUnknown records a mistake if the table has a name that was not read.
func (t *table) refuseUnknown() {
	for _, name := range slices.Sorted(maps.Keys(t.values)) {
		if !slices.Contains(t.known, name) {
			t.fail(name, fmt.Sprintf("unknown name: did you mean %s?", nearest(name, t.known)))
			return
		}
	}
}

// nearest returns the known word that is the fewest edits away.
func nearest(word string, known []string) string {
	best, fewest := "", 0
	for _, k := range known {
		if n := edits(strings.ToLower(word), strings.ToLower(k)); best == "" || n < fewest {
			best, fewest = k, n
		}
	}
	return best
}

// edits returns the number of letters to change, insert, remove or swap with their neighbour that make
// one word the other.
func edits(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			substitute := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				substitute++
			}
			rows[i][j] = min(substitute, rows[i][j-1]+1, rows[i-1][j]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// maxTOMLDepth bounds the dots in a name, and the brackets that are open at once. A
// djsess.toml needs two. The TOML library's time grows with the cube of either.
const maxTOMLDepth = 8

// tooDeep returns the number of the first line that nests too deep, or 0. It checks nothing
// else: the TOML library reports wrong syntax.
func tooDeep(text string) int {
	line, open, dots := 1, 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\n':
			line, dots = line+1, 0
		case '#':
			end := strings.IndexByte(text[i:], '\n')
			if end < 0 {
				return 0
			}
			i += end - 1
		case '"', '\'':
			n := quoted(text[i:])
			line += strings.Count(text[i:i+n], "\n")
			i += n - 1
		case '[', '{':
			open, dots = open+1, 0
		case ']', '}':
			open = max(open-1, 0)
		case '=', ',':
			dots = 0
		case '.':
			dots++
		}
		if open > maxTOMLDepth || dots > maxTOMLDepth {
			return line
		}
	}
	return 0
}

// quoted returns the length of the quoted string at the beginning of text.
func quoted(text string) int {
	quote := text[:1]
	if strings.HasPrefix(text, quote+quote+quote) {
		quote = text[:3]
	}
	for i := len(quote); i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote[0] == '"':
			i++
		case len(quote) == 1 && text[i] == '\n':
			return i // the string is not closed
		case strings.HasPrefix(text[i:], quote):
			return i + len(quote)
		}
	}
	return len(text)
}
