package storeurl

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
)

// No error about a URL shows the password, even if the password has characters that should
// have been percent-encoded; and no store shows it.
func FuzzRedaction(f *testing.F) {
	const secret = "hunter2secret"
	settings, err := djsession.NewSettings("5.2", "key")
	if err != nil {
		f.Fatal(err)
	}
	names := []string{"oracle", "p@q"}
	for _, row := range schemes {
		names = append(names, row.Names[0])
	}
	for i := range names {
		for _, around := range []string{"", "/", "?", "#", "%zz", "%20", ",", ":", "80?", "80/", "[", "@h?", "://", "\n", "a=b&"} {
			f.Add(uint8(i), around, "", "h/db")
			f.Add(uint8(i), "", around, "h:1/db?nonsense=1")
			f.Add(uint8(i), around, around, "h/0?password="+secret+"&sentinel_password="+secret)
		}
	}
	passwords := regexp.MustCompile(`(^|&)(sentinel_)?password=` + secret)
	f.Fuzz(func(t *testing.T, scheme uint8, before, after, rest string) {
		name := names[int(scheme)%len(names)]
		raw := name + "://u:" + before + secret + after + "@" + rest
		// A path, a host and the name of an option may be shown.
		host, options, _ := strings.Cut(rest, "?")
		if isPath(name) && strings.Contains(before, "/") || strings.Contains(host+passwords.ReplaceAllString(options, ""), secret) {
			return
		}
		if !HasSecret(raw) && !isPath(name) {
			t.Errorf("%q is said to hold no password", raw)
		}
		for _, open := range []func() (io.Closer, error){
			func() (io.Closer, error) { return Open(raw, settings) },
			func() (io.Closer, error) { return OpenReadOnly(raw, settings) },
			func() (io.Closer, error) { return OpenCachedDB(raw, raw, settings) },
			func() (io.Closer, error) { return OpenCachedDB("redis://h/0", raw, settings) },
		} {
			store, err := open()
			if err != nil {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q: %v", raw, err)
				}
				continue
			}
			if s, ok := store.(interface{ String() string }); ok && strings.Contains(s.String(), secret) {
				t.Errorf("%q is %v", raw, s)
			}
			store.Close()
		}
	})
}
