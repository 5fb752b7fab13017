package pytime

import "testing"

// What is read as a time is written so that it is the same time when it is read again.
func FuzzISO(f *testing.F) {
	for _, text := range []string{"2024-02-29T12:30:15.123456+02:00", "20240229T123015Z", "2024-02-29", "2024-02-29 24:00", "0001-01-01T00:00:00+23:59:59.999999", "2024-02-30", "2024-02-29T12:30:15.", "-", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, naive, err := ParseISO(text)
		if err != nil {
			return
		}
		written, err := AppendISO(nil, at)
		if err != nil { // an offset may lead out of the years that there are
			return
		}
		again, _, err := ParseISO(string(written))
		if err != nil || at.Sub(again).Abs() >= 1000 || naive && at.Location().String() != "UTC" {
			t.Errorf("%q is %v, written %q: %v, %v", text, at, written, again, err)
		}
	})
}

func FuzzTimedelta(f *testing.F) {
	for _, text := range []string{"-1 day, 23:59:59.000001", "0:00:00", "999999999 days, 23:59:59.999999", "1 days, 1:2:3", " day, ", "99999999999999999999 days, 0:00:00", ":", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseTimedelta(text)
		if err != nil {
			return
		}
		_, _ = d.Duration() // must not panic
		if again, err := ParseTimedelta(string(d.Append(nil))); err != nil || again != d || !d.Valid() {
			t.Errorf("%q is %v, again %v, %v", text, d, again, err)
		}
	})
}
