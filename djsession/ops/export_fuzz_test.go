package ops_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
)

// Whatever line an export holds, Import returns. What it inserts is exported and imported again without a change.
func FuzzImport(f *testing.F) {
	lines := strings.SplitAfter(threeExported, "\n")
	for _, line := range lines[1:4] {
		f.Add(strings.TrimSuffix(line, "\n"))
	}
	f.Add(`{"key":"pppppppppppppppp","expires":null,"values":null,"pickle":"gASVFAAAAAAAAAB9lCiMAWGUXZRLAWGMAWKUaAJ1Lg=="}`)
	f.Add(`{"key":"pppppppppppppppp","expires":null,"values":` + strings.Repeat(`{"a":`, 12000))
	f.Add(strings.TrimSuffix(lines[4], "\n"))
	f.Add("")
	f.Fuzz(func(t *testing.T, line string) {
		text := sealed(fmt.Sprintf("%s%s\n{\"sessions\":%d,\"left_out\":0,\"sha256\":\"CHECKSUM\"}\n", lines[0], line, 1+strings.Count(line, "\n")))
		serializers := djsession.Serializers{djsession.PickleSerializer{}, djsession.JSONSerializer{}}
		once, again := memoryStore(t, serializers), memoryStore(t, serializers)
		if _, err := ops.Import(t.Context(), strings.NewReader(text), once, ops.ImportOptions{}); err != nil {
			if n := count(t, once); n > 0 {
				t.Fatalf("%v, and %d sessions are stored", err, n)
			}
			return
		}
		exported := export(t, once, ops.ExportOptions{})
		if _, err := ops.Import(t.Context(), strings.NewReader(exported), again, ops.ImportOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := export(t, again, ops.ExportOptions{}); got != exported {
			t.Fatalf("got\n%s\nwant\n%s", got, exported)
		}
	})
}
