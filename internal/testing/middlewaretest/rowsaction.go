package middlewaretest

import "strings"

// visitors are what the site may know of who comes.
var visitors = []struct{ name, cookie string }{
	{"no cookie", ""},
	{"live", "sessionid={live}"},
	{"unknown", "sessionid={unknown}"},
	{"expired", "sessionid={expired}"},
	{"empty", "sessionid="},
	{"short", "sessionid=short12"}, // seven characters are no key
}

// scripts are what a view may do with the session.
var scripts = []string{
	"",
	"session",
	"get a", "get nope", "get nope 5", "item a", "item nope", "has a", "keys", "items",
	"set b 2", "set a 1", "set b 2; del b", `set b [1.0,"é",{"c":null}]`, "add a 2",
	"del a", "del nope", "pop a", "pop a 7", "pop nope", "pop nope 7",
	"setdefault a 9", "setdefault b 9",
	`update {"b":2,"c":3}`, "update {}",
	"clear", "clear; set b 2", "get a; clear", "set b 2; clear", "clear; get a",
	"flush", "flush; set b 2", "set b 2; flush", "flush; flush", "flush; get a",
	"cycle", "cycle; set b 2", "set b 2; cycle", "cycle; flush", "flush; cycle", "cycle; cycle", "clear; cycle",
	"modified true", "get a; modified true", "set b 2; modified false", "get a; modified false",
	"expiry 3600", "expiry 0", "expiry null", "expiry -5", "expiry 0.25", "expiry 3600.75", "browser-close",
	"expires-at 7200", "expires-at 7200.5", "expires-at -60", "expires-in 7200", "expires-in 0.05",
	"expiry 300; expiry null", "expiry 300; age?; date?; browser-close?", "age?; date?; browser-close?",
	"expires-at 7200.5; age?; date?", "browser-close; age?; browser-close?",
	"set-test-cookie", "set-test-cookie; test-cookie?; delete-test-cookie", "delete-test-cookie", "test-cookie?",
	"save", "get a; save", "set b 2; save", "set b 2; save; set c 3", "flush; save", "clear; save", "save; flush",
	"get a; key", "set b 2; key", "flush; key",
	"cookie other=1", "cookie other=1; set b 2", "cookie other=1; flush",
	"cookie sessionid=mine", "cookie sessionid=mine; set b 2", "cookie sessionid=mine; flush",
}

// actionRows are every visitor with every script.
func actionRows() []Row {
	var rows []Row
	for _, v := range visitors {
		for _, script := range scripts {
			rows = append(rows, Row{Name: v.name + ": " + orNothing(script), Cookie: v.cookie, Script: withState(script)})
		}
	}
	return rows
}

func orNothing(script string) string {
	if script == "" {
		return "nothing"
	}
	return script
}

// withState has the script end with what the session says of itself, once somebody looked: before, Django does not know
// yet whether there is a session of the key that came.
func withState(script string) string {
	if !accesses(script) {
		return script
	}
	return script + "; accessed?; modified?; empty?"
}

// accesses tells whether the script looks at what the session holds, which is when Django loads it.
func accesses(script string) bool {
	for statement := range strings.SplitSeq(script, "; ") {
		op, _, _ := strings.Cut(statement, " ")
		switch op {
		case "", "session", "modified", "cookie", "raise", "them":
		default:
			return true
		}
	}
	return false
}
