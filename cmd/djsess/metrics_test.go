package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// prometheus checks that a file is what Prometheus reads.
func prometheus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: prometheus FILE")
	}
	ts.Check(checkPrometheus(ts.ReadFile(args[0])))
}

var (
	promName   = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	promSample = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)$`)
	promLabel  = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\\n]|\\["\\n])*"(,|$)`)
)

// checkPrometheus checks a text by the rules of Prometheus's text format: each family has one HELP and one TYPE line
// before its samples, which stand together; no series is there twice, and no label twice in a series.
func checkPrometheus(text string) error {
	if !strings.HasSuffix(text, "\n") {
		return fmt.Errorf("no newline at the end")
	}
	families, series := map[string]bool{}, map[string]bool{}
	family, hasType := "", false
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		wrong := func(what string) error { return fmt.Errorf("line %d: %s: %s", i+1, what, line) }
		if help, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, text, _ := strings.Cut(help, " ")
			if !promName.MatchString(name) || text == "" || families[name] || strings.Contains(text, `\`) {
				return wrong("a bad HELP")
			}
			families[name], family, hasType = true, name, false
			continue
		}
		if kind, ok := strings.CutPrefix(line, "# TYPE "); ok {
			if kind != family+" gauge" || hasType {
				return wrong("a bad TYPE")
			}
			hasType = true
			continue
		}
		sample := promSample.FindStringSubmatch(line)
		switch {
		case sample == nil:
			return wrong("not a sample")
		case sample[1] != family || !hasType:
			return wrong("a sample without its family")
		case series[sample[1]+sample[2]]:
			return wrong("a series that is there twice")
		}
		series[sample[1]+sample[2]] = true
		if _, err := strconv.ParseFloat(sample[3], 64); err != nil {
			return wrong("no number")
		}
		labels := map[string]bool{}
		for _, label := range promLabel.FindAllStringSubmatch(sample[2], -1) {
			if labels[label[1]] || strings.HasPrefix(label[1], "__") || label[1] == "job" || label[1] == "instance" { // Prometheus sets these itself
				return wrong("a bad label " + label[1])
			}
			labels[label[1]] = true
		}
	}
	if len(series) == 0 {
		return fmt.Errorf("no samples")
	}
	return nil
}

// Metrics stay what Prometheus reads, whatever the file is called.
func TestMetricsText(t *testing.T) {
	began := time.Date(2031, 2, 3, 4, 5, 6, 500_000_000, time.UTC)
	for _, path := range []string{"x.prom", "/a/b/c", `a"b\c` + "\nd=\"e\",f=.prom", "a\xffb", "é.prom", ".prom", "{}"} {
		m := &metrics{command: "export", name: metricsName(path), status: untrusted, began: began, ended: began.Add(90 * time.Minute),
			counts: []counter{{"read", 1 << 40, ""}, {"", 3, ""}, {"failed", 0, ""}}}
		var text strings.Builder
		if _, err := m.WriteTo(&text); err != nil {
			t.Fatal(err)
		}
		if err := checkPrometheus(text.String()); err != nil {
			t.Errorf("%q: %v\n%s", path, err, &text)
		}
		for _, want := range []string{"_success{", "} 0\n", "_exit_status{", "} 4\n", fmt.Sprintf("} %d.5\n", began.Add(90*time.Minute).Unix()), "} 5400\n", `,result="read"} 1099511627776` + "\n"} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%q: no %q in\n%s", path, want, &text)
			}
		}
	}
}
