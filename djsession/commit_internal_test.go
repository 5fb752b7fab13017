package djsession

import "testing"

// decide depends only on the facts of a request.
func TestDecide(t *testing.T) {
	for name, c := range map[string]struct {
		facts facts
		want  action
	}{
		"not accessed":                       {facts{hasCookie: true, status: 200}, action{}},
		"only read":                          {facts{hasCookie: true, accessed: true, status: 200}, action{vary: true}},
		"changed":                            {facts{hasCookie: true, accessed: true, modified: true, status: 200}, action{check: true, save: true, setCookie: true, vary: true}},
		"changed, no cookie came":            {facts{accessed: true, modified: true, status: 404}, action{check: true, save: true, setCookie: true, vary: true}},
		"changed, 499":                       {facts{accessed: true, modified: true, status: 499}, action{check: true, save: true, setCookie: true, vary: true}},
		"changed, 500":                       {facts{hasCookie: true, accessed: true, modified: true, status: 500}, action{check: true, vary: true}},
		"a new key, 500":                     {facts{hasCookie: true, accessed: true, modified: true, hasStaleCookie: true, status: 500}, action{check: true, setCookie: true, vary: true}},
		"each request saves":                 {facts{hasCookie: true, everyRequest: true, status: 200}, action{check: true, save: true, setCookie: true, vary: true}},
		"each request saves, 503":            {facts{hasCookie: true, everyRequest: true, status: 503}, action{check: true}},
		"ended":                              {facts{hasCookie: true, accessed: true, modified: true, empty: true, status: 200}, action{deleteCookie: true, vary: true}},
		"ended, 500":                         {facts{hasCookie: true, accessed: true, modified: true, empty: true, status: 500}, action{deleteCookie: true, vary: true}},
		"ended, no cookie came":              {facts{accessed: true, modified: true, empty: true, status: 200}, action{vary: true}},
		"unknown key, read":                  {facts{hasCookie: true, accessed: true, empty: true, status: 200}, action{vary: true}},
		"unknown key, each request saves":    {facts{hasCookie: true, accessed: true, empty: true, everyRequest: true, status: 200}, action{vary: true}},
		"unwritable":                         {facts{hasCookie: true, accessed: true, modified: true, readOnly: true, status: 200}, action{vary: true}},
		"the handler's own cookie":           {facts{hasCookie: true, accessed: true, setByHandler: true, everyRequest: true, status: 200}, action{vary: true}},
		"the handler's own cookie, changed":  {facts{hasCookie: true, accessed: true, setByHandler: true, modified: true, status: 200}, action{check: true, save: true, setCookie: true, vary: true}},
		"the handler's own cookie, an ended": {facts{hasCookie: true, accessed: true, setByHandler: true, modified: true, empty: true, status: 200}, action{deleteCookie: true, vary: true}},
	} {
		if got := decide(c.facts); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestCouldBeKey(t *testing.T) {
	for value, want := range map[string]bool{
		NewKey(): true, "abcdefgh": true, "short12": true, "": true,
		NewKey() + "12345678": true, NewKey() + "123456789": false,
		"Abcdefgh": false, "abc-defgh": false, "1|85i3ojjb|Gx3k": false, "abcdefgé": false,
	} {
		if couldBeKey(value) != want {
			t.Errorf("%q: not %v", value, want)
		}
	}
}
