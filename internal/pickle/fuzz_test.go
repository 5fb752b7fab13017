package pickle_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/djsess/djsess/internal/pickle"
)

// Whatever loads can be written, in a protocol that has forms for all of it, unless it changes a class; and then is what it
// was: written again it has the same bytes.
func FuzzLoad(f *testing.F) {
	for protocol := range 6 {
		data, err := pickle.Append(nil, everything(), protocol)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, data := range hostile {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		mostSteps(t, data)
		mostAllocated(t, string(data))
		o, err := pickle.Load(data, pickle.Limits{})
		if err != nil {
			return
		}
		for _, protocol := range []int{5, 3, 0} {
			written, err := pickle.Append(nil, o, protocol)
			if err != nil {
				if protocol >= 3 && !strings.Contains(err.Error(), "that the pickle itself changes") {
					t.Fatalf("protocol %d: %v", protocol, err)
				}
				continue
			}
			again, err := pickle.Load(written, pickle.Limits{Objects: 1 << 24, Depth: 20000})
			if err != nil {
				t.Fatalf("protocol %d: %q is %v", protocol, written, err)
			}
			twice, err := pickle.Append(nil, again, protocol)
			if err != nil {
				t.Fatalf("protocol %d: %q is %v", protocol, written, err)
			}
			if !bytes.Equal(written, twice) {
				t.Errorf("protocol %d:\n%q\n%q", protocol, written, twice)
			}
		}
	})
}
