package djcookie

import (
	"net/http"
	"slices"
	"strings"
)

// AddVary is django.utils.cache.patch_vary_headers for one name: it is added
// unless it is there, in any case; what is there keeps its order, and "*" stands
// alone.
func AddVary(h http.Header, name string) {
	lines := h["Vary"]
	if len(lines) == 0 {
		h["Vary"] = []string{name}
		return
	}
	var names []string
	for line := range slices.Values(lines) {
		for part := range strings.SplitSeq(line, ",") {
			names = append(names, strings.TrimSpace(part))
		}
	}
	if slices.Contains(names, "*") {
		names = []string{"*"}
	} else if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
		names = append(names, name)
	}
	h["Vary"] = []string{strings.Join(names, ", ")}
}
