package djauth

import (
	"regexp"
	"strings"
)

// validHost is Django's host_validation_re: a domain name, or an IPv6 address in brackets,
// and perhaps a port. It has no (?i), which would let the Kelvin sign pass for a k.
var validHost = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[A-Fa-f0-9]*:[A-Fa-f0-9.:]+\])(:[0-9]+)?$`)

// isAllowedHost reports whether a Host header names a host of AllowedHosts:
// split_domain_port and validate_host of django.http.request.
func (a *Auth) isAllowedHost(host string) bool {
	match := validHost.FindStringSubmatch(host)
	if match == nil {
		return false
	}
	domain := strings.ToLower(strings.TrimSuffix(match[1], "."))
	if domain == "" {
		return false
	}
	for _, pattern := range a.AllowedHosts {
		pattern = strings.ToLower(pattern)
		switch {
		case pattern == "":
		case pattern == "*", pattern == domain:
			return true
		case pattern[0] == '.' && (strings.HasSuffix(domain, pattern) || domain == pattern[1:]):
			return true
		}
	}
	return false
}
