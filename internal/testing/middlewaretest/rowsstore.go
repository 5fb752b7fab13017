package middlewaretest

import (
	"fmt"
	"slices"
	"strings"
)

// storeRows are sessions that somebody else changes meanwhile, stored texts that cannot be trusted, and odd ones that can.
func storeRows() []Row {
	return slices.Concat(meanwhileRows(), payloadRows(), valueRows())
}

func meanwhileRows() []Row {
	var rows []Row
	for _, script := range []string{
		// Deleted between load and save.
		"get a; them flush",
		"them flush; get a",
		"get a; them flush; set b 2",
		"get a; them flush; modified true",
		"get a; them flush; clear",
		"get a; them flush; flush",
		"get a; them flush; flush; set b 2",
		"get a; them flush; cycle",
		"get a; them flush; save",
		"set b 2; them flush; raise 404",
		"set b 2; them flush; raise 500",
		"set b 2; save; them flush; set c 3",
		"cycle; them flush; set c 3",
		"them flush; clear",
		"them flush; clear; set b 2",
		// Written between load and save.
		"get a; them set t 1",
		"them set t 1; get t",
		"get a; them set t 1; set b 2",
		"get a; them set a 7; set a 2",
		"get a; them set a 7; add a 2",
		"get a; them set a 7; del a",
		"get a; them del a; set b 2",
		"get a; them set t 1; setdefault t 2",
		"get a; them set t 1; clear",
		"get a; them set t 1; clear; set b 2",
		"get a; them set t 1; modified true",
		"get a; them set t 1; expiry 300",
		"get a; them expiry 300; set b 2",
		"get a; them set t 1; cycle",
		"get a; them set t 1; set b 2; cycle",
		"get a; them set t 1; flush",
		"get a; them set t 1; save; get t",
		"get a; them clear; set b 2",
		"get a; them set t 1; set b 2; raise 500",
	} {
		rows = append(rows, Row{Name: "meanwhile: " + script, Cookie: "sessionid={live}", Script: script})
	}
	for _, script := range []string{"them flush; get a", "them set t 1", "get a; them flush", "get a; them set t 1"} {
		rows = append(rows, Row{Name: "every request, meanwhile: " + script, Cookie: "sessionid={live}", Script: script,
			Settings: site{"SESSION_SAVE_EVERY_REQUEST": true}})
	}
	return rows
}

func payloadRows() []Row {
	var rows []Row
	for _, payload := range []string{"tampered", "other secret", "list", "not a payload", "e30", "e30:1:x", " "} {
		for _, script := range []string{"", "session", "get a", "set b 2", "clear; set b 2", "flush", "cycle", "raise 500"} {
			rows = append(rows, Row{Name: fmt.Sprintf("payload %q: %s", payload, orNothing(script)), Cookie: "sessionid={live}",
				Payload: payload, Script: script})
		}
		rows = append(rows, Row{Name: fmt.Sprintf("every request, payload %q", payload), Cookie: "sessionid={live}",
			Payload: payload, Settings: site{"SESSION_SAVE_EVERY_REQUEST": true}})
	}
	for _, script := range []string{"", "get a", "set b 2", "cycle", "flush", "modified true"} {
		rows = append(rows, Row{Name: "payload under a fallback: " + orNothing(script), Cookie: "sessionid={live}",
			Payload: "fallback", Settings: site{"SECRET_KEY_FALLBACKS": []string{"an older key"}}, Script: script})
	}
	return rows
}

// valueRows are sessions whose values must come back as they were, in their order.
func valueRows() []Row {
	var rows []Row
	for _, live := range []string{
		`{}`,
		`{"z":1,"b":2,"a":3}`,
		`{"big":123456789012345678901234567890,"float":1.0,"nan":NaN,"minus":-0.0,"inf":-Infinity,"exp":1e+16}`,
		`{"text":"\ud800 \u00e9 \ud83d\ude00 \u007f </script>","\u00e9":[1.0,{"b":1,"a":{}}],"":null}`,
		`{"a":"` + strings.Repeat("long enough to be compressed ", 200) + `"}`,
	} {
		for _, script := range []string{"items", "set b 9", "set new 1", "del b", "pop b 1; set b 2", "setdefault b 5", "cycle",
			`update {"b":1,"c":2}`, "clear; set c 1; set b 2", "modified true"} {
			rows = append(rows, Row{Name: fmt.Sprintf("values %.60s: %s", live, script), Cookie: "sessionid={live}", Live: live,
				Script: script})
		}
	}
	return rows
}
