package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the services of deploy/ start are commands of djsess, also where it is a comment, and each timer has its service.
func TestDeploy(t *testing.T) {
	services, err := filepath.Glob("../../deploy/*.service")
	if err != nil || len(services) == 0 {
		t.Fatalf("%d services, %v", len(services), err)
	}
	for _, service := range services {
		text, err := os.ReadFile(service)
		if err != nil {
			t.Fatal(err)
		}
		starts := 0
		for line := range strings.Lines(string(text)) {
			command, ok := strings.CutPrefix(strings.TrimPrefix(strings.TrimSpace(line), "#"), "ExecStart=")
			if !ok {
				continue
			}
			if !strings.HasPrefix(line, "#") {
				starts++
			}
			args := strings.Fields(command)
			if args[0] != "/usr/local/bin/djsess" {
				t.Errorf("%s: %s", service, command)
			}
			if err := checkCommandLine(args[1:]); err != nil {
				t.Errorf("%s: %s: %v", service, command, err)
			}
		}
		if starts != 1 {
			t.Errorf("%s starts %d commands", service, starts)
		}
	}
	timers, err := filepath.Glob("../../deploy/*.timer")
	if err != nil {
		t.Fatal(err)
	}
	for _, timer := range timers {
		if _, err := os.Stat(strings.TrimSuffix(timer, ".timer") + ".service"); err != nil {
			t.Error(err)
		}
	}
}
