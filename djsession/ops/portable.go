package ops

import (
	"encoding/base64"
	"fmt"
	"math"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pydict"
	"github.com/djsess/djsess/internal/pyvalue"
)

// OnLoss says what becomes of a value that JSON cannot hold, such as an instance of the site's own class, when a
// pickled session is written as JSON.
type OnLoss int

const (
	// StopOnLoss ends the job. The session is not written.
	StopOnLoss OnLoss = iota
	// SkipOnLoss leaves the value out. The session keeps its other values, so its user stays
	// logged in.
	SkipOnLoss
	// KeepOpaque writes {"__pickle__": "…"} in place of the value: its pickle, in base64. A site
	// that trusts its store can read it in Python by
	// pickle.loads(base64.b64decode(value["__pickle__"])).
	KeepOpaque
)

// opaqueName is the name under which KeepOpaque keeps a pickle.
const opaqueName = "__pickle__"

// LostValueError is a value that JSON cannot hold. It is a djsession.ErrOpaque to errors.Is.
type LostValueError struct {
	// Name is the name of the value.
	Name string
	// Err names the Python class, and says why.
	Err error
}

func (e *LostValueError) Error() string { return fmt.Sprintf("session value %q: %v", e.Name, e.Err) }
func (e *LostValueError) Unwrap() error { return e.Err }

// portable returns values without Python objects, and reports each value that JSON cannot hold. Beside what json.dumps writes,
// it writes:
//
//	datetime, date, time   isoformat()
//	timedelta              str()
//	Decimal, UUID          str()
//	bytes, bytearray       base64
//	set, frozenset, deque  a list, in the order of the pickle
//
// A tuple becomes a list, and a key that is a number, None or a bool becomes its text, as json.dumps has it.
func portable(v *djsession.Values, onLoss OnLoss, lost func(*LostValueError)) (*djsession.Values, error) {
	dict, err := pydict.Of(v)
	if err != nil {
		return nil, err
	}
	items, _ := pyvalue.DictItems(dict)
	text := []byte{'{'}
	for i := 0; i+1 < len(items); i += 2 {
		w := pyvalue.Writer{Mode: pyvalue.Portable, Limit: math.MaxInt32}
		start := len(text)
		if start > 1 {
			text = append(text, ',')
		}
		name, hasName := pyvalue.Name(items[i])
		if !hasName {
			name = pyvalue.Describe(items[i])
		}
		var err error
		if text, err = w.Key(text, items[i]); err == nil {
			text, err = w.Append(append(text, ':'), items[i+1])
		}
		if err == nil {
			continue
		}
		lost(&LostValueError{name, err})
		text = text[:start]
		switch {
		case onLoss == StopOnLoss:
			return nil, &LostValueError{name, err}
		case onLoss == SkipOnLoss || !hasName: // the key itself is lost
			continue
		}
		pickled, err := pickle.Append(nil, items[i+1], pickle.HighestProtocol)
		if err != nil {
			return nil, &LostValueError{name, err}
		}
		if start > 1 {
			text = append(text, ',')
		}
		if text, err = w.Key(text, items[i]); err != nil {
			return nil, &LostValueError{name, err}
		}
		text = append(text, `:{"`+opaqueName+`":"`...)
		text = append(base64.StdEncoding.AppendEncode(text, pickled), `"}`...)
	}
	plain := new(djsession.Values)
	return plain, plain.UnmarshalPythonJSON(string(append(text, '}')))
}

// expiryName is the value that set_expiry sets.
const expiryName = "_session_expiry"

// fitExpiry makes a _session_expiry readable for the Django of a target. From 4.1 on Django stores the text of a datetime,
// which earlier releases cannot read: they get the seconds that are left.
func fitExpiry(v *djsession.Values, target *djsession.Settings, expires time.Time) (*djsession.Values, error) {
	if target.AtLeast(4, 1) || v.GetString(expiryName) == "" {
		return v, nil
	}
	left := int64(math.Ceil(expires.Sub(target.Now()).Seconds()))
	v = v.Clone()
	return v, v.Set(expiryName, max(left, 1)) // zero seconds would mean browser close
}

// fitOpaqueExpiry does the same for a datetime, which a JSON session of these releases cannot hold.
func fitOpaqueExpiry(v *djsession.Values, target *djsession.Settings, expires time.Time) (*djsession.Values, error) {
	var at time.Time
	if target.AtLeast(4, 1) || v.Get(expiryName, &at) != nil {
		return v, nil
	}
	left := int64(math.Ceil(expires.Sub(target.Now()).Seconds()))
	v = v.Clone()
	return v, v.Set(expiryName, max(left, 1))
}
