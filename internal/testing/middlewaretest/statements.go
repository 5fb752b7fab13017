package middlewaretest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/testing/edit"
)

// perform runs a statement of a script and returns its result as JSON, or "" if it has none. It does what
// testdata/middleware_peer.py does in Django.
func perform(ctx context.Context, s *djsession.Session, now time.Time, statement string) (string, error) {
	op, rest, _ := strings.Cut(statement, " ")
	name, value, _ := strings.Cut(rest, " ")
	switch op {
	case "session":
		return "", nil

	case "get":
		if raw, ok := s.Raw(name); ok {
			return raw, nil
		}
		return orNull(value), nil
	case "item":
		return item(s, name)
	case "has":
		return strconv.FormatBool(s.Has(name)), nil
	case "keys":
		return jsonText(append([]string{}, slices.Collect(s.Names())...)), nil
	case "items":
		return items(s.Values()), nil

	case "set":
		return "", s.Set(name, decoded(value))
	case "add":
		add := decoded(value).(int64)
		return "", s.Apply(edit.Add(name, int(add)))
	case "del":
		return "", deleteItem(s, name)
	case "pop":
		raw, ok := s.Raw(name)
		var popped any
		err := s.Pop(name, &popped)
		if errors.Is(err, djsession.ErrNoValue) && value != "" {
			return value, nil
		}
		if ok != (err == nil) {
			err = fmt.Errorf("found by Raw: %v, by Pop: %w", ok, err)
		}
		return raw, err
	case "setdefault":
		if err := s.SetDefault(name, decoded(value)); err != nil {
			return "", err
		}
		return item(s, name)
	case "update":
		return "", s.SetAll(decoded(rest).(map[string]any))
	case "clear":
		return "", s.Clear()

	case "flush":
		return "", s.Flush(ctx)
	case "cycle":
		return "", s.CycleKey(ctx)
	case "save":
		return "", s.Save(ctx)
	case "modified":
		s.SetModified(rest == "true")
		return "", nil

	case "expiry":
		if rest == "null" {
			return "", s.SetExpiry(djsession.DefaultExpiry)
		}
		if seconds(rest) == 0 {
			return "", s.SetExpiry(djsession.BrowserClose)
		}
		return "", s.SetExpiry(djsession.AfterIdle(seconds(rest)))
	case "browser-close":
		return "", s.SetExpiry(djsession.BrowserClose)
	case "expires-at":
		return "", s.SetExpiry(djsession.At(now.Add(seconds(rest))))
	case "expires-in":
		return "", s.SetExpiry(djsession.After(seconds(rest)))
	case "age?":
		age, err := s.ExpiryAge()
		return strconv.FormatInt(age.Microseconds(), 10), err
	case "date?":
		date, err := s.ExpiryDate()
		return strconv.FormatInt(date.UnixMicro()-now.UnixMicro(), 10), err
	case "browser-close?":
		closes, err := s.ExpiresAtBrowserClose()
		return strconv.FormatBool(closes), err

	case "set-test-cookie":
		return "", s.SetTestCookie()
	case "test-cookie?":
		return strconv.FormatBool(s.TestCookieWorked()), nil
	case "delete-test-cookie":
		missing := !s.Has("testcookie")
		return "", keyError(missing, s.DeleteTestCookie())

	case "accessed?":
		return strconv.FormatBool(s.Accessed()), nil
	case "modified?":
		return strconv.FormatBool(s.Modified()), nil
	case "empty?":
		return strconv.FormatBool(s.IsEmpty()), nil
	case "key":
		return orNull(s.Key()), nil
	}
	return "", fmt.Errorf("no statement %q", statement)
}

// deleteItem is Python's del, which fails if the value is missing. Go's Delete does not.
func deleteItem(s *djsession.Session, name string) error {
	missing := !s.Has(name)
	return keyError(missing, s.Delete(name))
}

func keyError(missing bool, err error) error {
	if err == nil && missing {
		return djsession.ErrNoValue
	}
	return err
}

func item(s *djsession.Session, name string) (string, error) {
	raw, ok := s.Raw(name)
	if !ok {
		return "", djsession.ErrNoValue
	}
	return raw, nil
}

func items(v *djsession.Values) string {
	pairs := []string{}
	for name := range v.Names() {
		raw, _ := v.Raw(name)
		pairs = append(pairs, "["+jsonText(name)+","+raw+"]")
	}
	return "[" + strings.Join(pairs, ",") + "]"
}

// decoded returns JSON as a Go value.
func decoded(text string) any {
	var v djsession.Values
	var value any
	if err := v.SetJSON("x", text); err != nil {
		panic(err)
	}
	if err := v.Get("x", &value); err != nil {
		panic(err)
	}
	return value
}

func jsonText(v any) string {
	text, err := pyjson.Append(nil, v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func orNull(text string) string {
	if text == "" {
		return "null"
	}
	return text
}

func seconds(text string) time.Duration {
	d, err := time.ParseDuration(text + "s")
	if err != nil {
		panic(err)
	}
	return d
}
