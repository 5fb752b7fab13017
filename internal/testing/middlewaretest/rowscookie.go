package middlewaretest

import "strings"

// cookies are Cookie headers that are spelled in other ways, and what Django finds in them: the key of a session or an
// unknown one; no session cookie, or one that is too short to be a key; or one with a character or a length that no key has.
var cookies = []struct {
	name, cookie, finds string
}{
	{"among others", "a=1; sessionid={live}; b=2", "live"},
	{"among others, no space", "a=1;sessionid={live};b=2", "live"},
	{"twice, the last is good", "sessionid={unknown}; sessionid={live}", "live"},
	{"twice, the last is unknown", "sessionid={live}; sessionid={unknown}", "unknown"},
	{"twice, the last is empty", "sessionid={live}; sessionid=", "short"},
	{"twice, the last is short", "sessionid={live}; sessionid=short12", "short"},
	{"twice, two sessions", "sessionid={live}; sessionid={other}", "other"},
	{"two lines, the last is good", "sessionid={unknown}\nsessionid={live}", "live"},
	{"two lines, the last is unknown", "sessionid={live}\nsessionid={unknown}", "unknown"},
	{"two lines, one is another's", "sessionid={live}\nother=1", "live"},
	{"quoted", `sessionid="{live}"`, "live"},
	{"quoted, in octal", `sessionid="{octal live}"`, "live"},
	{"quoted, escaped", `sessionid="{escaped live}"`, "live"},
	{"octal without quotes", `sessionid={octal live}`, "foreign"},
	{"quoted, unknown", `sessionid="{unknown}"`, "unknown"},
	{"quoted, spaces inside", `sessionid=" {live} "`, "foreign"},
	{"half a quote", `sessionid="{live}`, "foreign"},
	{"the other half", `sessionid={live}"`, "foreign"},
	{"quoted twice", `sessionid=""{live}""`, "foreign"},
	{"only a quote", `sessionid="`, "short"},
	{"empty quotes", `sessionid=""`, "short"},
	{"in other quotes", `sessionid='{live}'`, "foreign"},
	{"a semicolon in quotes", `sessionid="{live};"`, "foreign"},
	{"octal NUL", `sessionid="abcdefgh\000"`, "foreign"},
	{"octal line break", `sessionid="abcdefgh\015\012x"`, "foreign"},
	{"octal beyond ASCII", `sessionid="abcdefgh\377"`, "foreign"},
	{"octal too large", `sessionid="abcdefgh\400"`, "unknown"},
	{"octal cut off", `sessionid="abcdefgh\01"`, "unknown"},
	{"a backslash at the end", `sessionid="abcdefgh\"`, "foreign"},
	{"spaces around", "sessionid =  {live}  ; b=2", "live"},
	{"tabs around", "a=1;\tsessionid\t=\t{live}\t", "live"},
	{"a space inside", "sessionid=abcd efgh", "foreign"},
	{"only spaces", "sessionid=        ", "short"},
	{"no =", "sessionid", "none"},
	{"no name", "={live}", "none"},
	{"only the key", "{live}", "none"},
	{"no =, but others", "sessionid; a=1", "none"},
	{"another name's case", "SessionID={live}", "none"},
	{"similar names", "sessionid2={live}; xsessionid={live}; session id={live}", "none"},
	{"in quotes, the name", `"sessionid"={live}`, "none"},
	{"a comma between", "a=1, sessionid={live}", "none"},
	{"a comma after", "sessionid={live}, a=1", "foreign"},
	{"a space between", "a=1 sessionid={live}", "none"},
	{"semicolons around", ";; ;sessionid={live};;", "live"},
	{"= in the value", "sessionid={live}=x", "foreign"},
	{"= at the front of the value", "sessionid=={live}", "foreign"},
	{"eight characters", "sessionid=12345678", "unknown"},
	{"eight characters, not ASCII", "sessionid=1234567é", "foreign"},
	{"seven characters, eight bytes", "sessionid=123456é", "short"},
	{"longer than a key", "sessionid={live}x", "unknown"},
	{"41 characters", "sessionid=" + strings.Repeat("x", 41), "foreign"},
	{"very long", "sessionid=" + strings.Repeat("x", 5000), "foreign"},
	{"in capitals", "sessionid={upper live}", "foreign"},
	{"a path", "sessionid=../../etc/passwd", "foreign"},
	{"a pattern", "sessionid=%live%00000000", "foreign"},
	{"an attribute", "$Version=1; sessionid={live}; $Path=/", "live"},
	{"not ASCII", "sessionid=Zażółć gęślą jaźń", "foreign"},
	{"an emoji", "sessionid=😀😀😀😀😀😀😀😀", "foreign"},
}

// cookieRows are every spelling with a view that does not look, that looks, that writes, and that writes unseen.
func cookieRows() []Row {
	var rows []Row
	for _, c := range cookies {
		for _, script := range []string{"", "get a", "set b 2", "clear; set b 2", "flush", "cycle"} {
			rows = append(rows, Row{Name: "cookie " + c.name + ": " + orNothing(script), Cookie: c.cookie, Script: script,
				Unknown: c.finds == "unknown" || c.finds == "foreign", NoKey: c.finds == "short", Foreign: c.finds == "foreign"})
		}
	}
	return rows
}
