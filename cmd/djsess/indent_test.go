package main

import (
	"bufio"
	"strings"
	"testing"

	"github.com/djsess/djsess/internal/printable"
)

func TestAppendString(t *testing.T) {
	for raw, want := range map[string]string{
		`"plain"`:                    `"plain"`,
		`"za\u017c\u00f3\u0142"`:     `"zażół"`,
		`"\ud83d\ude00"`:             `"😀"`,
		`"\ud83d"`:                   `"\ud83d"`,
		`"\ude00\ud83d"`:             `"\ude00\ud83d"`,
		`"\"\\\/\b\f\n\r\t"`:         `"\"\\/\u0008\u000c\n\r\t"`,
		`"\u001b[31m"`:               `"\u001b[31m"`,
		`"\u202e\u2066\u200b\ufeff"`: `"\u202e\u2066\u200b\ufeff"`,
		`"\u2028\u0085\u007f"`:       `"\u2028\u0085\u007f"`,
		`"\udb80\udc00"`:             `"\udb80\udc00"`, // private use
		`"\ufffd"`:                   `"` + "\uFFFD" + `"`,
		"\"\x9b31m\xe9\"":            `"\u009b31mé"`, // Python's latin-1
	} {
		if got := string(appendString(nil, raw)); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"two\nlines, “quoted”": "two\nlines, “quoted”",
		"\x1b[2J\r\x00":        `\u001b[2J\u000d\u0000`,
		"\u202egnp.exe":        `\u202egnp.exe`,
		"broken \xff":          `broken \ufffd`,
	} {
		if got := printable.Text(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestWriteIndented(t *testing.T) {
	plain := func(text string, p palette) string {
		var b strings.Builder
		w := bufio.NewWriter(&b)
		writeIndented(w, text, p)
		w.Flush()
		return b.String()
	}
	const text = `{"a":[],"b":{},"c":[1.0,{"d":null}],"e" : "\u017c","f":[NaN,true]}`
	const want = `{
  "a": [],
  "b": {},
  "c": [
    1.0,
    {
      "d": null
    }
  ],
  "e": "ż",
  "f": [
    NaN,
    true
  ]
}
`
	if got := plain(text, palette{}); got != want {
		t.Errorf("got %s", got)
	}
	if got := plain("{}", palette{}); got != "{}\n" {
		t.Errorf("{}: got %q", got)
	}
	const coloured = "{\n  \x1b[34;1m\"a\"\x1b[0m: \x1b[32m\"b\"\x1b[0m,\n  \x1b[34;1m\"c\"\x1b[0m: \x1b[36m1\x1b[0m,\n  \x1b[34;1m\"d\"\x1b[0m: \x1b[35mnull\x1b[0m\n}\n"
	if got := plain(`{"a":"b","c":1,"d":null}`, colours); got != coloured {
		t.Errorf("in colours: got %q", got)
	}
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	if got := plain(`{"a":`+deep+`}`, palette{}); len(got) > 9000*2*(2*deepest+2) {
		t.Errorf("9,000 brackets take %d bytes", len(got))
	}
}
