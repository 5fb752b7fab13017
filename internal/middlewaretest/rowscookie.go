package middlewaretest

import "strings"

// cookies are Cookie headers that are spelled in other ways, and whose key Django finds in them: that of a session, an
// unknown one, or none.
var cookies = []struct{ name, cookie, finds string }{
	{"among others", "a=1; sessionid={live}; b=2", "live"},
	{"among others, no space", "a=1;sessionid={live};b=2", "live"},
	{"twice, the last is good", "sessionid={unknown}; sessionid={live}", "live"},
	{"twice, the last is unknown", "sessionid={live}; sessionid={unknown}", "unknown"},
	{"twice, the last is empty", "sessionid={live}; sessionid=", "none"},
	{"twice, the last is short", "sessionid={live}; sessionid=short12", "none"},
	{"twice, two sessions", "sessionid={live}; sessionid={other}", "other"},
	{"two lines, the last is good", "sessionid={unknown}\nsessionid={live}", "live"},
	{"two lines, the last is unknown", "sessionid={live}\nsessionid={unknown}", "unknown"},
	{"two lines, one is another's", "sessionid={live}\nother=1", "live"},
	{"quoted", `sessionid="{live}"`, "live"},
	{"quoted, in octal", `sessionid="{octal live}"`, "live"},
	{"quoted, escaped", `sessionid="{escaped live}"`, "live"},
	{"octal without quotes", `sessionid={octal live}`, "unknown"},
	{"quoted, unknown", `sessionid="{unknown}"`, "unknown"},
	{"quoted, spaces inside", `sessionid=" {live} "`, "unknown"},
	{"half a quote", `sessionid="{live}`, "unknown"},
	{"the other half", `sessionid={live}"`, "unknown"},
	{"quoted twice", `sessionid=""{live}""`, "unknown"},
	{"only a quote", `sessionid="`, "none"},
	{"empty quotes", `sessionid=""`, "none"},
	{"in other quotes", `sessionid='{live}'`, "unknown"},
	{"a semicolon in quotes", `sessionid="{live};"`, "unknown"},
	{"octal NUL", `sessionid="abcdefgh\000"`, "unknown"},
	{"octal line break", `sessionid="abcdefgh\015\012x"`, "unknown"},
	{"octal beyond ASCII", `sessionid="abcdefgh\377"`, "unknown"},
	{"octal too large", `sessionid="abcdefgh\400"`, "unknown"},
	{"octal cut off", `sessionid="abcdefgh\01"`, "unknown"},
	{"a backslash at the end", `sessionid="abcdefgh\"`, "unknown"},
	{"spaces around", "sessionid =  {live}  ; b=2", "live"},
	{"tabs around", "a=1;\tsessionid\t=\t{live}\t", "live"},
	{"a space inside", "sessionid=abcd efgh", "unknown"},
	{"only spaces", "sessionid=        ", "none"},
	{"no =", "sessionid", "none"},
	{"no name", "={live}", "none"},
	{"only the key", "{live}", "none"},
	{"no =, but others", "sessionid; a=1", "none"},
	{"another name's case", "SessionID={live}", "none"},
	{"similar names", "sessionid2={live}; xsessionid={live}; session id={live}", "none"},
	{"in quotes, the name", `"sessionid"={live}`, "none"},
	{"a comma between", "a=1, sessionid={live}", "none"},
	{"a comma after", "sessionid={live}, a=1", "unknown"},
	{"a space between", "a=1 sessionid={live}", "none"},
	{"semicolons around", ";; ;sessionid={live};;", "live"},
	{"= in the value", "sessionid={live}=x", "unknown"},
	{"= at the front of the value", "sessionid=={live}", "unknown"},
	{"eight characters", "sessionid=12345678", "unknown"},
	{"eight characters, not ASCII", "sessionid=1234567é", "unknown"},
	{"seven characters, eight bytes", "sessionid=123456é", "none"},
	{"longer than a key", "sessionid={live}x", "unknown"},
	{"41 characters", "sessionid=" + strings.Repeat("x", 41), "unknown"},
	{"very long", "sessionid=" + strings.Repeat("x", 5000), "unknown"},
	{"in capitals", "sessionid={upper live}", "unknown"},
	{"a path", "sessionid=../../etc/passwd", "unknown"},
	{"a pattern", "sessionid=%live%00000000", "unknown"},
	{"an attribute", "$Version=1; sessionid={live}; $Path=/", "live"},
	{"not ASCII", "sessionid=Zażółć gęślą jaźń", "unknown"},
	{"an emoji", "sessionid=😀😀😀😀😀😀😀😀", "unknown"},
}

// cookieRows are every spelling with a view that does not look, that looks, that writes, and that writes unseen.
func cookieRows() []Row {
	var rows []Row
	for _, c := range cookies {
		for _, script := range []string{"", "get a", "set b 2", "clear; set b 2", "flush", "cycle"} {
			rows = append(rows, Row{Name: "cookie " + c.name + ": " + orNothing(script), Cookie: c.cookie, Script: script,
				Unknown: c.finds == "unknown"})
		}
	}
	return rows
}
