// Package readme holds the programs in the README, so that they are compiled.
package readme

import (
	"os"
	"strings"
	"testing"
)

// The README shows each program as it is in this folder.
func TestProgramsAreInTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	service, err := os.ReadFile("service/main.go")
	if err != nil {
		t.Fatal(err)
	}
	worker, err := os.ReadFile("worker/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, update, _ := strings.Cut(string(worker), "\t_, err = djsession.Update")
	update, _, _ = strings.Cut("_, err = djsession.Update"+update, "\treturn err")
	for name, sample := range map[string]string{
		"service": string(service),
		"worker":  strings.ReplaceAll(update, "\n\t", "\n"),
	} {
		if !strings.Contains(string(readme), "```go\n"+sample+"```\n") {
			t.Errorf("the README does not have this program of examples/readme/%s:\n%s", name, sample)
		}
	}
}
