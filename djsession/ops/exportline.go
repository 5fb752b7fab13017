package ops

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pydict"
	"github.com/djsess/djsess/internal/pyjson"
)

// An export is lines of standard JSON in printable ASCII:
//
//	{"format":"djsess export","version":1,"made":"2031-02-03T04:05:06Z","django":"5.2","engine":"db","whole":true}
//	{"key":"…","expires":"2031-02-17T04:05:06.000000Z","values":{"cart":[1,2]}}
//	{"key":"…","expires":null,"values":{"rate":"NaN"},"json":"eyJyYXRlIjpOYU59"}
//	{"key":"…","expires":"2031-02-17T04:05:06.000000Z","values":{"day":"2031-02-03"},"pickle":"gASV…"}
//	{"sessions":3,"left_out":0,"sha256":"…"}
//
// The values are the JSON that is stored, byte for byte. If that JSON is not standard, or not in printable ASCII, json has it in
// base64, and values are for people. A pickled session has its pickle, and its values are for people. They are null if the
// line would be too long. A session that never ends has the expiry null.
//
// The last line counts the sessions, and those that could not be exported. Its checksum is that of all bytes before it. A reader
// refuses members that it does not know: a new member needs a new version.

const (
	exportFormat  = "djsess export"
	exportVersion = 1
)

// exportHeader is the first line.
type exportHeader struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Made    string `json:"made"`
	Django  string `json:"django"`
	Engine  string `json:"engine,omitempty"`
	Whole   bool   `json:"whole"` // false if only some sessions of the store were to be exported
}

// exportTotals are the counts of the last line.
type exportTotals struct {
	Sessions int64 `json:"sessions"`
	LeftOut  int64 `json:"left_out"`
}

// Parts of the last line.
const (
	lastLineStart = `{"sessions":`
	checksumName  = `,"sha256":"`
	lastLineEnd   = "\"}\n"
)

// appendLastLine appends the last line up to its checksum.
func appendLastLine(dst []byte, t exportTotals) []byte {
	text, _ := json.Marshal(t) // two numbers have no error
	return append(append(dst, text[:len(text)-1]...), checksumName...)
}

// parseTotals parses the last line up to its checksum.
func parseTotals(line []byte) (t exportTotals, err error) {
	head, ok := bytes.CutSuffix(line, []byte(checksumName))
	if ok {
		err = json.Unmarshal(append(bytes.Clone(head), '}'), &t)
	}
	if !ok || err != nil || !bytes.Equal(appendLastLine(nil, t), line) {
		return t, errors.New("not the last line of an export")
	}
	return t, nil
}

// expiryLayout has microseconds, as Django's database has.
const expiryLayout = "2006-01-02T15:04:05.000000Z"

// maxLine returns how long the line of a session may be, if a payload may have maxPayload bytes. The payload is in base64.
func maxLine(maxPayload int) int {
	const factor, spare = 2, 64 << 10
	if maxPayload > (math.MaxInt-spare)/factor {
		return math.MaxInt
	}
	return factor*maxPayload + spare
}

// appendSession appends the line of a session. Its error is about this session.
func appendSession(dst []byte, r *djsession.Record, maxPayload int) ([]byte, error) {
	start := len(dst)
	if err := djsession.ValidateKey(r.Key); err != nil {
		return dst, err
	}
	dst = append(dst, `{"key":`...)
	dst, err := pyjson.AppendString(dst, r.Key)
	if err != nil {
		return dst[:start], err
	}
	dst = append(dst, `,"expires":`...)
	if r.Expires.Before(djsession.Never) {
		dst = append(dst, '"')
		dst = r.Expires.UTC().AppendFormat(dst, expiryLayout)
		dst = append(dst, '"')
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"values":`...)
	if dst, err = appendValues(dst, r.Values, start+maxLine(maxPayload)); err != nil {
		return dst[:start], err
	}
	return append(dst, "}\n"...), nil
}

// appendValues appends values, and the payload if they do not say all. dst should not become longer than end.
func appendValues(dst []byte, v *djsession.Values, end int) ([]byte, error) {
	var payload []byte
	var err error
	name := "json"
	if pydict.IsPython(v) {
		name = "pickle"
		payload, err = djsession.PickleSerializer{}.Append(nil, v)
	} else {
		payload, err = v.AppendPythonJSON(nil)
	}
	switch {
	case err != nil:
		return dst, err
	case name == "json" && pyjson.IsStandard(string(payload)):
		return append(dst, payload...), nil
	}
	const others = 32 // the name of the payload and the like
	start, spare := len(dst), base64.StdEncoding.EncodedLen(len(payload))+others
	if dst = pyjson.AppendStandard(dst, string(v.AppendShown(nil))); len(dst) > end-spare {
		dst = append(dst[:start], "null"...)
	}
	dst = append(dst, `,"`+name+`":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, payload)
	return append(dst, '"'), nil
}

// exportedSession is the line of a session.
type exportedSession struct {
	key     string
	expires time.Time
	// values is the JSON of the values, unless payload is the JSON or the pickle, in base64.
	values, payload string
	pickled         bool
}

var errNoSession = errors.New("not the line of a session")

// parseSession reads a line. It does not read the payload. Its errors quote nothing: a line holds secrets.
func parseSession(line string) (s exportedSession, err error) {
	for i := range len(line) {
		if line[i] < ' ' || line[i] >= 0x7f {
			return s, errNoSession
		}
	}
	members, err := pyjson.Scan(line, nil, pyjson.Limits{Depth: pyjson.DefaultDepth + 1})
	if err != nil {
		return s, err
	}
	hasKey, hasExpiry := false, false
	for _, m := range members {
		switch m.Name {
		case "key":
			if s.key, err = pyjson.Text(m.Raw); err == nil {
				err = djsession.ValidateKey(s.key)
			}
			hasKey = true
		case "expires":
			s.expires, err = parseExpiry(m.Raw)
			hasExpiry = true
		case "values":
			s.values = m.Raw
		case "json", "pickle":
			if s.payload != "" {
				return s, errNoSession
			}
			s.payload, s.pickled = m.Raw, m.Name == "pickle"
		default:
			return s, errNoSession
		}
		if err != nil {
			return s, err
		}
	}
	if !hasKey || !hasExpiry || s.values == "" {
		return s, errNoSession
	}
	return s, nil
}

func parseExpiry(raw string) (time.Time, error) {
	if raw == "null" {
		return djsession.Never, nil
	}
	t, err := time.Parse(`"`+expiryLayout+`"`, raw)
	if err != nil || t.Format(`"`+expiryLayout+`"`) != raw {
		return t, errNoSession
	}
	return t, nil
}

// record returns the session. The error is a *djsession.PayloadError; the record is then without values.
func (s *exportedSession) record(maxPayload int) (*djsession.Record, error) {
	r := &djsession.Record{Key: s.key, Expires: s.expires}
	values, err := s.parseValues(maxPayload)
	if err != nil {
		if !errors.Is(err, djsession.ErrTooLarge) && !errors.Is(err, djsession.ErrMalformed) {
			err = fmt.Errorf("%w: %w", djsession.ErrMalformed, err)
		}
		return r, &djsession.PayloadError{Err: err}
	}
	r.Values = values
	return r, nil
}

func (s *exportedSession) parseValues(maxPayload int) (*djsession.Values, error) {
	if s.payload == "" {
		if len(s.values) > maxPayload {
			return nil, djsession.ErrTooLarge
		}
		v := new(djsession.Values)
		return v, v.UnmarshalPythonJSON(s.values)
	}
	text, err := pyjson.Text(s.payload)
	if err != nil {
		return nil, err
	}
	if base64.StdEncoding.DecodedLen(len(text))-2 > maxPayload {
		return nil, djsession.ErrTooLarge
	}
	if strings.ContainsAny(text, "\r\n") { // base64 would skip them
		return nil, errNoSession
	}
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	switch {
	case err != nil:
		return nil, err
	case s.pickled:
		return djsession.PickleSerializer{}.Parse(data)
	}
	return djsession.JSONSerializer{}.Parse(data)
}
