package printable

import "testing"

func TestLineAndText(t *testing.T) {
	for text, want := range map[string]struct{ line, text string }{
		"plain ünïcode 日本 \uFFFD": {"plain ünïcode 日本 \uFFFD", "plain ünïcode 日本 \uFFFD"},
		"two\nlines":              {`two\nlines`, "two\nlines"},
		"\x1b[2J\x7f\r\t\x00":     {`\u001b[2J\u007f\u000d\u0009\u0000`, `\u001b[2J\u007f\u000d\u0009\u0000`},
		"\u009b31m\u0085":         {`\u009b31m\u0085`, `\u009b31m\u0085`}, // C1
		"\u202eevil\u2066\u200f":  {`\u202eevil\u2066\u200f`, `\u202eevil\u2066\u200f`},
		"a\u2028b\u2029":          {`a\u2028b\u2029`, `a\u2028b\u2029`},
		"\xff\xed\xa0\x80":        {`\ufffd\ufffd\ufffd\ufffd`, `\ufffd\ufffd\ufffd\ufffd`},
		"\U000E0001":              {`\udb40\udc01`, `\udb40\udc01`},
	} {
		if got := Line(text); got != want.line {
			t.Errorf("%q: %q as a line", text, got)
		}
		if got := Text(text); got != want.text {
			t.Errorf("%q: %q as text", text, got)
		}
	}
}
