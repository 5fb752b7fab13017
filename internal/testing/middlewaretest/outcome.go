package middlewaretest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// response is the response to a row's request.
type response struct {
	Status  int
	Headers [][2]string
	Saw     []string // by the view
}

func (r response) values(header string) []string {
	var values []string
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], header) {
			values = append(values, h[1])
		}
	}
	return values
}

// cookieValues returns the values of the cookies that the response sets.
func (r response) cookieValues() []string {
	values := []string{}
	for _, line := range r.values("Set-Cookie") {
		_, value, _ := strings.Cut(line, "=")
		value, _, _ = strings.Cut(value, ";")
		values = append(values, value)
	}
	return values
}

// stored is a session in the store.
type stored struct{ Payload, Holds string }

// observation is what Django finds in the store after the request.
type observation struct {
	Stored map[string]stored
	Held   map[string]string // the sessions in cookies, by the cookie's value
}

// outcome is the result of a request: the response, and the store before and after.
type outcome struct {
	now    time.Time
	keys   map[string]string // by the names of the sessions
	before map[string]stored
	response
	after observation
	// forgets: the store deletes an expired session when it finds it, so a missing one does not count as deleted.
	forgets bool
}

var (
	randomKey  = regexp.MustCompile(`\b[a-z0-9]{32}\b`)
	expiryText = regexp.MustCompile(`expires=([^;]*)`)
	over       = regexp.MustCompile(` until -[0-9.]+$`)
)

// String returns what is compared: keys by their names, times relative to now, and what has changed in the store.
func (o outcome) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, "status", o.Status)
	for _, s := range o.Saw {
		fmt.Fprintln(&b, "saw", s)
	}
	for _, c := range o.values("Set-Cookie") {
		fmt.Fprintln(&b, "Set-Cookie:", expiryText.ReplaceAllStringFunc(c, o.relative))
	}
	if vary := o.values("Vary"); len(vary) > 0 {
		fmt.Fprintln(&b, "Vary:", strings.Join(vary, ", ")) // several headers mean the same
	}
	b.WriteString(o.changes())
	return o.name(b.String())
}

// changes returns the changes to the store, a line each.
func (o outcome) changes() string {
	all := maps.Clone(o.before)
	maps.Copy(all, o.after.Stored)
	var lines []string
	for key := range all {
		was, had := o.before[key]
		is, has := o.after.Stored[key]
		switch {
		case !has && o.forgets && over.MatchString(was.Holds):
		case !has:
			lines = append(lines, "deleted "+key+"\n")
		case !had || is.Payload != was.Payload || about.ReplaceAllString(is.Holds, "") != about.ReplaceAllString(was.Holds, ""):
			lines = append(lines, "stored "+key+" "+is.Holds+"\n")
		}
	}
	// New keys are random, so their sessions are sorted by content.
	slices.SortFunc(lines, func(a, b string) int {
		return cmp.Compare(randomKey.ReplaceAllString(o.nameKnown(a), "~"), randomKey.ReplaceAllString(o.nameKnown(b), "~"))
	})
	return strings.Join(lines, "")
}

// relative returns an expires attribute relative to now, or unchanged if Django would not have spelled it so.
func (o outcome) relative(text string) string {
	date := strings.TrimPrefix(text, "expires=")
	t, err := time.Parse(http.TimeFormat, date)
	if err != nil || t.Format(http.TimeFormat) != date || t.Unix() == 0 {
		return text
	}
	return fmt.Sprintf("expires=%+d", t.Unix()-int64(math.Floor(float64(o.now.UnixMicro())/1e6)))
}

// name replaces keys by names.
func (o outcome) name(text string) string {
	text = o.nameKnown(text)
	names := map[string]string{}
	return randomKey.ReplaceAllStringFunc(text, func(key string) string {
		if names[key] == "" {
			names[key] = fmt.Sprintf("<new%d>", len(names)+1)
		}
		return names[key]
	})
}

func (o outcome) nameKnown(text string) string {
	known := map[string]string{}
	for value, holds := range o.after.Held {
		known[value] = "<" + holds + ">"
	}
	for name, key := range o.keys {
		known[key] = "<" + name + ">"
	}
	for _, key := range slices.SortedFunc(maps.Keys(known), func(a, b string) int { return len(b) - len(a) }) {
		if len(key) >= 8 { // a shorter text is no key
			text = strings.ReplaceAll(text, key, known[key])
		}
	}
	return text
}

// about matches times that a store's own clock has set.
var about = regexp.MustCompile(`~[-+][0-9.]+`)

// same reports whether two outcomes are equal. Times by a store's own clock may differ by a minute.
func same(a, b string) bool {
	if about.ReplaceAllString(a, "~") != about.ReplaceAllString(b, "~") {
		return false
	}
	others := about.FindAllString(b, -1)
	for i, time := range about.FindAllString(a, -1) {
		if math.Abs(number(time)-number(others[i])) > 60 {
			return false
		}
	}
	return true
}

func number(about string) float64 {
	n, err := strconv.ParseFloat(about[1:], 64)
	if err != nil {
		panic(err)
	}
	return n
}
