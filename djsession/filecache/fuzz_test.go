package filecache

import (
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/swapfile"
)

// Any file is an item of bounded size, or an error.
func FuzzFile(f *testing.F) {
	const limit = 1000
	s, err := djsession.NewSettings("5.2", "secret")
	if err != nil {
		f.Fatal(err)
	}
	s.MaxPayloadSize = limit
	c, err := New(Config{Dir: f.TempDir(), Settings: s})
	if err != nil {
		f.Fatal(err)
	}
	whole, err := c.content(make([]byte, limit), time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	for n := range whole {
		f.Add(whole[:n])
	}
	f.Add(whole)
	f.Add([]byte("F1753.25\n." + string(whole[21:])))
	f.Add([]byte("F-62135596800\n." + string(whole[21:])))
	f.Add([]byte("F-1e300\n." + string(whole[21:])))
	f.Add([]byte("N."))
	f.Add([]byte("F" + string(make([]byte, 100))))
	f.Fuzz(func(t *testing.T, data []byte) {
		item, live, err := c.item(&swapfile.File{Data: data})
		if err == nil && len(item.Data) > limit || err != nil && item.Data != nil {
			t.Errorf("%d bytes, %v", len(item.Data), err)
		}
		if err == nil && item.Expires.IsZero() {
			t.Error("it never ends")
		}
		if err == nil && !live && item.Expires.After(s.Now()) {
			t.Errorf("ends %v", item.Expires)
		}
	})
}
