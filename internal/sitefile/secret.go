package sitefile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// hidden is HIDDEN_SETTINGS of django.views.debug: the names whose values Django does not show.
var hidden = regexp.MustCompile("(?i)API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE")

// shown are the names of the format that hidden matches and whose values are no secrets: paths of
// Python classes, and the name of a column.
var shown = []string{"AUTHENTICATION_BACKENDS", "password", "auth_hash"}

// refuseSecrets returns an error if a value looks like a secret: by its name, or because it is a URL
// with a password. A settings file is often committed, or readable by every user.
func refuseSecrets(name string, value any) error {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			if hidden.MatchString(key) && !slices.Contains(shown, key) {
				return fmt.Errorf("it holds a secret (%s), and a settings file must not: give SECRET_KEY and passwords by the environment or by files of secrets", shorten(key))
			}
			if err := refuseSecrets(key, inner); err != nil {
				return err
			}
		}
	case []any:
		for _, inner := range value {
			if err := refuseSecrets(name, inner); err != nil {
				return err
			}
		}
	case string:
		if hasPassword(value) {
			return fmt.Errorf("it holds a URL with a password (%s), and a settings file must not: give the store's URL by the environment", shorten(name))
		}
	}
	return nil
}

func shorten(name string) string {
	const longest = 40
	return fmt.Sprintf("%.*q", longest, name)
}

// hasPassword reports whether a text has a URL with a password, in its authority or among its options.
func hasPassword(text string) bool {
	_, rest, ok := strings.Cut(text, "://")
	if !ok {
		return false
	}
	address, query, _ := strings.Cut(rest, "?")
	if strings.Contains(query, "@") {
		return true // a password may have a ? that should have been percent-encoded
	}
	for option := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		if name, value, _ := strings.Cut(option, "="); value != "" && hidden.MatchString(name) {
			return true
		}
	}
	if strings.HasPrefix(address, "/") {
		return false // all of it is a path
	}
	// A password counts even if it has characters that should have been percent-encoded.
	login := address[:strings.LastIndexByte(address, '@')+1]
	_, password, _ := strings.Cut(strings.TrimSuffix(login, "@"), ":")
	return password != ""
}
