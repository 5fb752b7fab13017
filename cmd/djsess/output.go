package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/sessionuser"
)

// errReaderGone means that the reader of the output, such as head, has closed it.
var errReaderGone = errors.New("the reader of the output is gone")

// output is stdout. Its broken pipe becomes errReaderGone, which is not a failure, unlike a
// store's broken pipe.
type output struct{ io.Writer }

func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		err = errReaderGone
	}
	return n, err
}

// outputFlag is the value of -o: text for people, or JSON for programs.
type outputFlag string

const (
	asText outputFlag = "text"
	asJSON outputFlag = "json"
)

func (o *outputFlag) String() string { return string(*o) }
func (o *outputFlag) Type() string   { return "text or json" }

func (o *outputFlag) Set(text string) error {
	switch outputFlag(text) {
	case asText, asJSON:
		*o = outputFlag(text)
		return nil
	}
	return errors.New("unknown output")
}

func addOutputFlag(cmd *cobra.Command) *outputFlag {
	o := asText
	cmd.Flags().VarP(&o, "output", "o", "output for people, or for programs, one object a line: `text|json`")
	return &o
}

// isExpired reports whether a session that is still stored has expired.
func isExpired(r *djsession.Record, now time.Time) bool {
	return !r.Expires.IsZero() && !r.Expires.After(now)
}

// appendEntry appends a session as one line of standard JSON. more are further members, each after a comma.
func appendEntry(dst []byte, r *djsession.Record, now time.Time, more ...byte) []byte {
	dst = append(dst, `{"key":`...)
	if r.Key == "" { // the store keeps only a hash of the key
		dst = append(dst, `null,"name":`...)
	}
	dst = appendText(dst, shownKey(r))
	dst = append(dst, `,"expires":`...)
	if r.Expires.IsZero() { // the store does not return it
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, '"')
		dst = r.Expires.UTC().AppendFormat(dst, time.RFC3339Nano)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"expired":`...)
	dst = strconv.AppendBool(dst, isExpired(r, now))
	dst = append(dst, `,"user_id":`...)
	if id, ok := sessionuser.ID(r.Values); ok {
		dst = appendText(dst, id)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, more...)
	dst = append(dst, `,"data":`...)
	dst = pyjson.AppendStandard(dst, string(r.Values.AppendShown(nil)))
	return append(dst, "}\n"...)
}

func appendText(dst []byte, s string) []byte {
	if quoted, err := pyjson.AppendString(dst, s); err == nil {
		return quoted
	}
	quoted, _ := pyjson.AppendString(dst, strings.ToValidUTF8(s, "\uFFFD"))
	return quoted
}

// shownKey returns the key of a session. If the store keeps only a hash of the key, it returns
// the store's name of the session.
func shownKey(r *djsession.Record) string {
	if r.Key == "" {
		return r.Name
	}
	return r.Key
}

// userShown returns the user's ID for people to read. If no user is logged in, it returns none.
func userShown(v *djsession.Values, none string) string {
	id, ok := sessionuser.ID(v)
	if !ok {
		return none
	}
	return oneLine(id)
}

// expiresShown returns the time at which a session expires, and how long that is from now.
func expiresShown(expires, now time.Time) string {
	if expires.Equal(djsession.Never) || expires.IsZero() {
		return timeShown(expires)
	}
	return remaining(expires.Sub(now)) + " (" + timeShown(expires) + ")"
}

func timeShown(t time.Time) string {
	switch {
	case t.IsZero():
		return unknown
	case t.Equal(djsession.Never):
		return never
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

// never is shown as the expiry of a session that never ends, as in Django's engine file.
const never = "never"

// unknown is shown as the expiry of a session if the store does not return it, as Memcached.
const unknown = "unknown"

// remaining returns a duration in its two largest units.
func remaining(d time.Duration) string {
	if d < 0 {
		return "expired"
	}
	units := []struct {
		name string
		size time.Duration
	}{{"day", day}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}}
	text, count := "in", 0
	for _, u := range units {
		n := int64(d / u.size)
		d -= time.Duration(n) * u.size
		if n > 0 {
			text += fmt.Sprintf(" %d %s", n, u.name)
			if n > 1 {
				text += "s"
			}
		}
		if n > 0 || count > 0 {
			if count++; count == 2 {
				break
			}
		}
	}
	if count == 0 {
		return "now"
	}
	return text
}
