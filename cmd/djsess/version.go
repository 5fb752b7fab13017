package main

import (
	"runtime/debug"
	"strings"
)

// moduleVersion returns the version of djsess.
func moduleVersion() string {
	info, _ := debug.ReadBuildInfo()
	return moduleVersionOf(info)
}

// moduleVersionOf also takes nil.
func moduleVersionOf(info *debug.BuildInfo) string {
	if info == nil || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// buildVersion returns what djsess --version prints: the version, the commit if djsess was built in a
// checkout, and the release of Go.
func buildVersion() string {
	info, _ := debug.ReadBuildInfo()
	return buildVersionOf(info)
}

func buildVersionOf(info *debug.BuildInfo) string {
	parts := []string{moduleVersionOf(info)}
	if info == nil {
		return parts[0]
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if commit := settings["vcs.revision"]; commit != "" {
		commit = "commit " + commit
		if settings["vcs.modified"] == "true" {
			commit += " with changes"
		}
		parts = append(parts, commit)
	}
	return strings.Join(append(parts, info.GoVersion), ", ")
}
