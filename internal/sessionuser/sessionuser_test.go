package sessionuser

import (
	"testing"

	"github.com/djsess/djsess/djsession"
)

func TestID(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "", `{"_auth_user_id":"42"}`: "42", `{"_auth_user_id":42}`: "42", `{"_auth_user_id":18446744073709551616}`: "18446744073709551616",
		`{"_auth_user_id":null}`: "", `{"_auth_user_id":1.5}`: "", `{"_auth_user_id":["1"]}`: "", `{"a":1,"_auth_user_id":"x y"}`: "x y",
	} {
		v := new(djsession.Values)
		if err := v.UnmarshalPythonJSON(text); err != nil {
			t.Fatal(err)
		}
		if id, ok := ID(v); id != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", text, id, ok)
		}
	}
}
