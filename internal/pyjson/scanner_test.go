package pyjson

import (
	"encoding/json"
	"strings"
	"testing"
)

// checkPrefixes holds a text of plain ASCII, and what is left when it breaks off anywhere, against encoding/json, which
// agrees with Python there.
func checkPrefixes(t *testing.T, text string) {
	t.Helper()
	for end := range len(text) + 1 {
		err := Check(text[:end], Limits{})
		if valid := json.Valid([]byte(text[:end])); (err == nil) != valid {
			t.Errorf("%q: %v, encoding/json says %v", text[:end], err, valid)
		}
	}
}

// A string is looked at in steps of some bytes: whatever ends or spoils one must do so at every place in a step.
func TestCheckStringsOfEveryLength(t *testing.T) {
	for _, around := range []string{`"%"`, `["%","%"]`, `{"%":"%","%":1}`, `{"a":"%","%":"b"}`, `{"a":["%"],"%" : {}}`} {
		for length := range 18 {
			for at := range length {
				for _, c := range []string{"a", `"`, `""`, `"#`, `"##`, `\"`, `\\`, `\`, `\]`, "\x00", "\x01", "\n", "\x1f", " ", "!", "#", "]", "\x7f"} {
					s := strings.Repeat("x", at) + c + strings.Repeat("x", length-at-1)
					checkPrefixes(t, strings.ReplaceAll(around, "%", s))
				}
			}
		}
	}
}

func TestCheckPunctuation(t *testing.T) {
	tokens := []string{`"a"`, `"a","b"`, `"a":"b"`, `1`, `0`, `01`, `10`, `-1`, `1.5`, `1e5`, `1.`, `,`, `:`, `{`, `}`, `[`, `]`, ` `}
	for _, a := range tokens {
		for _, b := range tokens {
			for _, c := range tokens {
				for _, around := range []string{`[%]`, `{%}`, `{"a":%}`, `[{"a":%}]`, `{"a":[%]}`, `%`} {
					checkPrefixes(t, strings.ReplaceAll(around, "%", a+b+c))
				}
			}
		}
	}
}
