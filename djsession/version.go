package djsession

import (
	"fmt"
	"strconv"
	"strings"
)

// version is a Django release, as far as it decides what is written.
type version struct{ major, minor int }

// versions are the releases whose sessions djsess knows, oldest first.
var versions = []version{{2, 2}, {3, 0}, {3, 1}, {3, 2}, {4, 0}, {4, 1}, {4, 2}, {5, 0}, {5, 1}, {5, 2}, {6, 0}, {6, 1}}

// parseVersion takes "5.2" and "5.2.19".
func parseVersion(text string) (version, error) {
	parts := strings.Split(text, ".")
	if len(parts) == 2 || len(parts) == 3 {
		numbers := [3]int{}
		ok := true
		for i, part := range parts {
			n, err := strconv.Atoi(part)
			numbers[i], ok = n, ok && err == nil && n >= 0
		}
		for _, v := range versions {
			if ok && v == (version{numbers[0], numbers[1]}) {
				return v, nil
			}
		}
	}
	return version{}, fmt.Errorf("djsession: settings: DJANGO_VERSION %q: want a release from 2.2 to 6.1, such as \"5.2\"", text)
}

func (v version) atLeast(major, minor int) bool {
	return v.major > major || v.major == major && v.minor >= minor
}

// AtLeast reports whether the site runs this release of Django or a later one.
func (s *Settings) AtLeast(major, minor int) bool {
	v, err := parseVersion(s.DjangoVersion)
	return err == nil && v.atLeast(major, minor)
}
