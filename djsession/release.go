package djsession

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"sync"
)

// A release is the first two numbers of a release of Django.
type release [2]int

func (r release) String() string { return fmt.Sprintf("%d.%d", r[0], r[1]) }

// isBefore reports whether r is older than another release.
func (r release) isBefore(other release) bool { return slices.Compare(r[:], other[:]) < 0 }

// releases are the Django releases that djsess knows, oldest first.
var releases = [...]release{{2, 2}, {3, 0}, {3, 1}, {3, 2}, {4, 0}, {4, 1}, {4, 2}, {5, 0}, {5, 1}, {5, 2}, {6, 0}, {6, 1}}

// version is what django.get_version() returns: "5.2", "5.2.19", "6.2a1", "6.2.dev20270110093000". Releases by the year
// may have one number: "2028".
var version = regexp.MustCompile(`^([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.[0-9]+)?(?:(?:a|b|rc)[0-9]+)?(?:\.dev[0-9]*)?$`)

// AtLeast reports whether the site runs this release of Django or a later one.
func (s *Settings) AtLeast(major, minor int) bool {
	site, err := s.release()
	return err == nil && !site.isBefore(release{major, minor})
}

// counts holds the known release that each DjangoVersion counts as. Each is parsed, and warned of, once.
var counts sync.Map

// release returns the known release that DjangoVersion counts as.
func (s *Settings) release() (release, error) {
	if r, ok := counts.Load(s.DjangoVersion); ok {
		return r.(release), nil
	}
	site, ok := parseRelease(s.DjangoVersion)
	if !ok {
		return release{}, fmt.Errorf("djsession: settings: DJANGO_VERSION %q: want a release from %s on, such as \"5.2\"", s.DjangoVersion, releases[0])
	}
	newest := releases[len(releases)-1]
	isNewer := newest.isBefore(site)
	if isNewer { // An upgrade of Django must not stop the service.
		site = newest
	}
	if _, again := counts.LoadOrStore(s.DjangoVersion, site); isNewer && !again {
		slog.Warn(fmt.Sprintf("djsession: settings: DJANGO_VERSION %q is newer than %s, the newest release that this djsess knows: it counts as %s",
			s.DjangoVersion, newest, newest))
	}
	return site, nil
}

// parseRelease returns the release in a version. It is a known one, or newer than all that are known.
func parseRelease(djangoVersion string) (r release, ok bool) {
	parts := version.FindStringSubmatch(djangoVersion)
	if parts == nil {
		return r, false
	}
	r[0], _ = strconv.Atoi(parts[1]) // the pattern has digits only
	r[1], _ = strconv.Atoi(parts[2])
	return r, releases[len(releases)-1].isBefore(r) || parts[2] != "" && slices.Contains(releases[:], r)
}
