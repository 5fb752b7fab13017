package djsession_test

import (
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/signing"
)

// Origin.Old names the parts that a save would write in another form. ReadBothForms lets every release read both forms, and changes nothing
// in what is written.
func TestBothForms(t *testing.T) {
	settings := func(version string, more func(*djsession.Settings)) *djsession.Settings {
		s, err := djsession.NewSettings(version, "a key")
		if err != nil {
			t.Fatal(err)
		}
		if more != nil {
			more(s)
		}
		return s
	}
	sha1 := func(s *djsession.Settings) { s.DefaultHashingAlgorithm = signing.SHA1 }
	both := func(s *djsession.Settings) { s.ReadBothForms = true }
	pickle := func(s *djsession.Settings) { s.SessionSerializer = djsession.PickleSerializer{} }
	jsonFirst := func(s *djsession.Settings) {
		s.SessionSerializer = djsession.Serializers{djsession.JSONSerializer{}, djsession.PickleSerializer{}}
	}
	const unreadable = "unreadable"
	for _, tt := range []struct {
		name            string
		writer, reader  *djsession.Settings
		want, wantWrite string
	}{
		{"2.2 by 2.2", settings("2.2", nil), settings("2.2", nil), "legacy", "legacy"},
		{"2.2 by 3.2", settings("2.2", nil), settings("3.2", nil), "legacy, old", "signed"},
		{"2.2 by 3.2 with sha1", settings("2.2", nil), settings("3.2", sha1), "legacy", "legacy"},
		{"3.2 by 3.2", settings("3.2", nil), settings("3.2", nil), "signed", "signed"},
		{"3.2 by 3.2 with sha1", settings("3.2", nil), settings("3.2", sha1), unreadable, "legacy"},
		{"3.2 by 3.2 with sha1 and both", settings("3.2", nil), settings("3.2", func(s *djsession.Settings) { sha1(s); both(s) }), "signed, old", "legacy"},
		{"2.2 by 5.2", settings("2.2", nil), settings("5.2", nil), unreadable, "signed"},
		{"2.2 by 5.2 with both", settings("2.2", nil), settings("5.2", both), "legacy, old", "signed"},
		{"5.2 by 5.2 with both", settings("5.2", nil), settings("5.2", both), "signed", "signed"},
		{"5.2 by 2.2", settings("5.2", nil), settings("2.2", nil), unreadable, "legacy"},
		{"5.2 by 2.2 with both", settings("5.2", nil), settings("2.2", both), "signed, old", "legacy"},
		{"pickle by JSON", settings("4.2", pickle), settings("4.2", nil), unreadable, "signed"},
		{"pickle by JSON and pickle", settings("4.2", pickle), settings("4.2", jsonFirst), "signed, old", "signed"},
		{"JSON by JSON and pickle", settings("4.2", nil), settings("4.2", jsonFirst), "signed", "signed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			values := new(djsession.Values)
			if err := values.Set("a", 1); err != nil {
				t.Fatal(err)
			}
			payload, err := newCodec(t, tt.writer, djsession.NewCodec).Append(nil, values)
			if err != nil {
				t.Fatal(err)
			}
			reader := newCodec(t, tt.reader, djsession.NewCodec)
			got := unreadable
			if _, origin, err := reader.Decode(payload); err == nil {
				got = string(origin.Form)
				if origin.Old {
					got += ", old"
				}
			}
			if got != tt.want {
				t.Errorf("read as %s, want %s", got, tt.want)
			}
			payload, err = reader.Append(nil, values)
			if err != nil {
				t.Fatal(err)
			}
			_, origin, err := reader.Decode(payload)
			if err != nil || string(origin.Form) != tt.wantWrite || origin.Old || tt.reader.WritesForm() != origin.Form {
				t.Errorf("it writes %s, which is old: %v (%v)", origin.Form, origin.Old, err)
			}
		})
	}
}
