package pytype_test

import (
	"encoding"
	"reflect"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession/pytype"
)

func TestDecimalIsValid(t *testing.T) {
	for text, want := range map[pytype.Decimal]bool{
		"0": true, "-0.00": true, "1.10": true, "1E+3": true, "-1.5E-7": true, "NaN": true, "-NaN12": true, "sNaN": true, "Infinity": true, "-Infinity": true,
		"": false, "-": false, ".5": false, "5.": false, "1e3": false, "1E": false, "1E++3": false, "+1": false, " 1": false, "Inf": false, "1_0": false, "١": false, "1.2.3": false,
	} {
		if got := text.IsValid(); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// A type writes the text that Python writes, and reads it back.
func TestTexts(t *testing.T) {
	for _, tt := range []struct {
		value encoding.TextMarshaler
		text  string
	}{
		{pytype.Decimal("-1E+3"), "-1E+3"},
		{pytype.UUID{15: 5}, "00000000-0000-0000-0000-000000000005"},
		{pytype.Date{Year: 1, Month: time.February, Day: 28}, "0001-02-28"},
		{pytype.NaiveTime(time.Date(2031, 7, 2, 12, 0, 0, 1000, time.UTC)), "2031-07-02T12:00:00.000001"},
		{pytype.TimeOfDay{Hour: 23, Minute: 59, Second: 58, Microsecond: 7}, "23:59:58.000007"},
		{pytype.TimeOfDay{Hour: 1, Offset: "-00:00:30"}, "01:00:00-00:00:30"},
		{pytype.Timedelta{Days: -1, Seconds: 86399}, "-1 day, 23:59:59"},
		{pytype.Timedelta{Days: 999999999}, "999999999 days, 0:00:00"},
	} {
		text, err := tt.value.MarshalText()
		if err != nil || string(text) != tt.text {
			t.Errorf("%T: %s, %v; want %s", tt.value, text, err, tt.text)
			continue
		}
		back := reflect.New(reflect.TypeOf(tt.value))
		if err := back.Interface().(encoding.TextUnmarshaler).UnmarshalText(text); err != nil || !reflect.DeepEqual(back.Elem().Interface(), tt.value) {
			t.Errorf("%s is read as %#v, %v; want %#v", text, back.Elem(), err, tt.value)
		}
	}
}

// A value that Python does not have is neither written nor read.
func TestNotInPython(t *testing.T) {
	for _, value := range []encoding.TextMarshaler{
		pytype.Decimal("1,5"), pytype.Date{Year: 2031, Month: time.February, Day: 30}, pytype.Date{Month: time.January, Day: 1},
		pytype.NaiveTime(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), pytype.TimeOfDay{Hour: 24}, pytype.TimeOfDay{Offset: "+1"}, pytype.Timedelta{Days: 1e9},
	} {
		if text, err := value.MarshalText(); err == nil {
			t.Errorf("%#v is written as %s", value, text)
		}
	}
	for text, into := range map[string]encoding.TextUnmarshaler{
		"1,5": new(pytype.Decimal), "0000-01-01": new(pytype.Date), "2031-02-30": new(pytype.Date), "2031-07-02T12:00:00+00:00": new(pytype.NaiveTime),
		"24:00:00": new(pytype.TimeOfDay), "1 day": new(pytype.Timedelta), "0000000000000000000000000000000": new(pytype.UUID), "0000000000000000000000000000000g": new(pytype.UUID),
	} {
		if err := into.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %#v", text, into)
		}
	}
}

func TestUUIDWithoutDashes(t *testing.T) {
	if id, err := pytype.ParseUUID("123456789ABCDEF0123456789abcdef0"); err != nil || id.String() != "12345678-9abc-def0-1234-56789abcdef0" {
		t.Errorf("%s, %v", id, err)
	}
}

func TestPlacesAndInstants(t *testing.T) {
	warsaw, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2031, 7, 1, 23, 0, 0, 0, time.UTC)
	if naive := pytype.NaiveTimeOf(at, warsaw); naive.String() != "2031-07-02T01:00:00" || !naive.In(warsaw).Equal(at) {
		t.Errorf("%s, %v", naive, naive.In(warsaw))
	}
	if date := pytype.DateOf(at.In(warsaw)); date.String() != "2031-07-02" || !date.In(warsaw).Equal(at.Add(-time.Hour)) {
		t.Errorf("%s, %v", date, date.In(warsaw))
	}
	if d, ok := (pytype.Timedelta{Seconds: 90_000, Microseconds: -1}).Duration(); !ok || d != 25*time.Hour-time.Microsecond {
		t.Errorf("%v, %v", d, ok)
	}
	if d, ok := (pytype.Timedelta{Days: 200_000}).Duration(); ok {
		t.Errorf("%v", d)
	}
}
