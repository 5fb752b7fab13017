package main

import (
	"os"
	"testing"
)

// Colours are for a terminal that can show them, and for a user who has not refused them by $NO_COLOR.
func TestColours(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, test := range []struct {
		out           *os.File
		noColor, term string
		want          palette
	}{
		{terminal, "", "xterm", colours},
		{terminal, "1", "xterm", palette{}},
		{terminal, "", "dumb", palette{}},
		{file, "", "xterm", palette{}},
	} {
		t.Setenv("NO_COLOR", test.noColor)
		t.Setenv("TERM", test.term)
		if got := paletteFor(test.out); got != test.want {
			t.Errorf("%s, NO_COLOR=%q, TERM=%q: %q", test.out.Name(), test.noColor, test.term, got)
		}
	}
}
