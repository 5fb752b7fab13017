package pickle_test

import (
	"bytes"
	"testing"

	"github.com/djsess/djsess/internal/pickle"
)

// A graph that was loaded can be written in every protocol that has a form for its objects, unless the pickle changed a class.
// Loaded and written again, it has the same bytes.
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
		checkSteps(t, data)
		checkAllocated(t, string(data))
		o, err := pickle.Load(data, pickle.Limits{})
		if err != nil {
			return
		}
		for _, protocol := range []int{5, 3, 0} {
			written, err := pickle.Append(nil, o, protocol)
			if err != nil {
				if protocol >= 3 && err != pickle.ErrChanged {
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
