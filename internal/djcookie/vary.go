package djcookie

import (
	"net/http"
	"slices"
	"strings"
)

// AddVary is django.utils.cache.patch_vary_headers for one name. It adds the name unless the header
// has it in any case. The other names keep their order. A "*" replaces all names.
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
