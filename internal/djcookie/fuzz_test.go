package djcookie

import (
	"strings"
	"testing"
)

// For any header of a browser, Lookup returns no value or a value that is not longer than the
// header. Any value is set in one header without control characters, and Lookup reads it back.
func FuzzLookup(f *testing.F) {
	for _, line := range []string{"sessionid=abc", `sessionid="a\"b\054\377"; x=1`, "sessionid=; sessionid=\"", "=;=;sessionid", "\x1csessionid\xc2\xa0= v", `sessionid="\`, `sessionid="\40"`} {
		f.Add(line, "sessionid", "a, b;\"\\\r\n\x00é")
	}
	f.Fuzz(func(t *testing.T, line, name, value string) {
		got, found := Lookup([]string{line, line}, name)
		if len(got) > len(line) || !found && got != "" {
			t.Errorf("%q: %q, %v", line, got, found)
		}
		header := Cookie{Name: "c", Value: value, Path: "/", HTTPOnly: true}.String()
		for _, c := range []byte(header) {
			if c < ' ' || c >= 0x7f {
				t.Fatalf("%q is set as %q", value, header)
			}
		}
		pair, attributes, _ := strings.Cut(header, ";")
		if attributes != " HttpOnly; Path=/" {
			t.Fatalf("%q is set as %q", value, header)
		}
		want := make([]rune, 0, len(value))
		for _, c := range []byte(value) { // a browser reads the bytes as Latin-1
			want = append(want, rune(c))
		}
		if back, _ := Lookup([]string{pair}, "c"); back != string(want) {
			t.Errorf("%q is set as %q and read back as %q", value, pair, back)
		}
	})
}
