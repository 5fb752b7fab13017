package main

import "testing"

// What python-dotenv 1.2, django-environ 0.14 and python-decouple 3.8 make of a line. The line is
// unclear if they do not agree; a reader that skips a line does not count.
func TestParseDotenv(t *testing.T) {
	for _, test := range []struct {
		line, want string
		unclear    bool
	}{
		{line: `K=abc`, want: `abc`},
		{line: "K=abc\r\n", want: `abc`},
		{line: `K = abc`, want: `abc`},
		{line: ` K=abc`, want: `abc`},
		{line: `export K=abc`, want: `abc`},
		{line: `export  K=abc`, want: `abc`},
		{line: `K='a b'`, want: `a b`},
		{line: `K="a b"`, want: `a b`},
		{line: `K=a b`, want: `a b`},
		{line: `K=a#b`, want: `a#b`},
		{line: `K=#ab`, want: `#ab`},
		{line: `K='a #b'`, want: `a #b`},
		{line: `K=a'b`, want: `a'b`},
		{line: `K="a'b"`, want: `a'b`},
		{line: `K=a'`, want: `a'`},
		{line: `K=a\b`, want: `a\b`},
		{line: `K=a$b`, want: `a$b`},
		{line: `K=a=b=`, want: `a=b=`},
		{line: `K=(^*&)!@%+-_`, want: `(^*&)!@%+-_`},
		{line: `K=`}, {line: `K=''`}, {line: `K: abc`}, {line: `# K=abc`}, {line: `#K=abc`}, {line: `export K`},
		{line: "K=a\nK=a", want: `a`},
		{line: "K=\nJ=b\n\n", want: ``},
		{line: "J='a\nI=b\nb'\nK=c", want: `c`},
		{line: `K=a #b`, unclear: true},
		{line: `K = #b`, unclear: true},
		{line: `K=a `, unclear: true},
		{line: `K='a' `, unclear: true},
		{line: "K=a\u00a0b", unclear: true},
		{line: "K='a\rb'", unclear: true},
		{line: "J='a\nK=b\nb'", unclear: true},
		{line: "K=a\t#b", unclear: true},
		{line: `K='a' # b`, unclear: true},
		{line: `K='ab`, unclear: true},
		{line: `K='`, unclear: true},
		{line: `K='a'b'`, unclear: true},
		{line: `K="a\\b"`, unclear: true},
		{line: `K='a\\b'`, unclear: true},
		{line: `K=$ab`, unclear: true},
		{line: `K='$ab'`, unclear: true},
		{line: `K=a${HOME}`, unclear: true},
		{line: `K= a`, unclear: true},
		{line: "K=a\nK=b", unclear: true},
		{line: "K=a\nK=", unclear: true},
	} {
		if got := parseDotenv(test.line)["K"]; got.unclear != test.unclear || !test.unclear && got.value != test.want {
			t.Errorf("%q: got %q, unclear %v; want %q, %v", test.line, got.value, got.unclear, test.want, test.unclear)
		}
	}
}
