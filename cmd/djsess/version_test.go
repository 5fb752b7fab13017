package main

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	for want, info := range map[string]debug.BuildInfo{
		"(devel), go1.26.0": {GoVersion: "go1.26.0"},
		"v1.2.3, go1.26.0":  {GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.3"}},
		"v1.2.4-0.20310203040506-0123456789ab, commit " + commit + ", go1.26.0": {GoVersion: "go1.26.0",
			Main:     debug.Module{Version: "v1.2.4-0.20310203040506-0123456789ab"},
			Settings: []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: "false"}}},
		"v1.2.4+dirty, commit " + commit + " with changes, go1.26.0": {GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.4+dirty"},
			Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: "true"}}},
	} {
		if got := buildVersionOf(&info); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
