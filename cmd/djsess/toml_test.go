package main

import (
	"strings"
	"testing"
	"time"
)

// A configuration that is made to take long is refused at once: the TOML library needs
// minutes for some of these.
func TestPathologicalTOML(t *testing.T) {
	const n = 60_000
	fill := func(line string) string { return strings.Repeat(line, n/len(line)) }
	for name, text := range map[string]string{
		"arrays":              "a = " + strings.Repeat("[", n),
		"arrays that end":     "a = " + strings.Repeat("[", n/2) + strings.Repeat("]", n/2),
		"arrays, a line each": "a = " + strings.Repeat("[\n", n/2),
		"inline tables":       "a = " + strings.Repeat("{a=", n/3),
		"dots":                strings.Repeat("a.", n/2) + "a = 1",
		"dots in quotes":      strings.Repeat(`"a".`, n/4) + "a = 1",
		"dots in a header":    "[" + strings.Repeat("a.", n/2) + "a]",
		"dots in a table":     "a = {" + strings.Repeat("a.", n/2) + "a = 1}",
		"a long name":         strings.Repeat("a", n) + " = 1",
		"many names":          fill("abcdefgh = 1\n"),
		"many headers":        fill("[[a.b.c.d]]\n"),
	} {
		start := time.Now()
		_, err := parseConfig("djsess.toml", text)
		if err == nil || time.Since(start) > 20*time.Second || len(err.Error()) > 500 {
			t.Errorf("%s: %.100v after %v", name, err, time.Since(start))
		}
	}
}

func TestTooDeep(t *testing.T) {
	for text, want := range map[string]int{
		"":                                        0,
		"a = 1\n[b]\nc.d = {e = [[1]]}":           0,
		"a = \"[[[[[[[[[[[[..........\"":          0,
		"a = '[[[[[[[[[[[[..........'":            0,
		"a = \"\\\"[[[[[[[[[[[[\"\nb = 1":         0,
		"# [[[[[[[[[[[[\na = 1":                   0,
		"a = '''\n[[[[[[[[[[\n'''\nb = [[[[[[[[[": 4,
		"a = \"no end\n[[[[[[[[[":                 2,
		"\n\na.b.c.d.e.f.g.h.i.j = 1":             3,
		"a = 1.5\nb = 1.5\nc = [1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5,1.5]": 0,
	} {
		if got := tooDeep(text); got != want {
			t.Errorf("%q: line %d, want %d", text, got, want)
		}
	}
}
