package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
)

// A line is answered before the next one comes, however slowly the producer
// writes.
func TestEachLineStreams(t *testing.T) {
	settings, err := djsession.NewSettings("5.2", "secret")
	if err != nil {
		t.Fatal(err)
	}
	in, toUs := io.Pipe()
	fromUs, out := io.Pipe()
	a := &app{stdin: in, stdout: output{out}, stderr: io.Discard}
	done := make(chan error)
	go func() {
		done <- a.eachLine(settings, func(dst, line []byte) ([]byte, error) {
			return append(append(dst, "got "...), line...), nil
		})
	}()
	answers := bufio.NewReader(fromUs)
	for _, line := range []string{"one", "two", "three"} {
		if _, err := io.WriteString(toUs, line+"\n"); err != nil {
			t.Fatal(err)
		}
		if got, err := answers.ReadString('\n'); got != "got "+line+"\n" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	toUs.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestLineReader(t *testing.T) {
	long := strings.Repeat("x", 100)
	const longest = 50
	input := "a\r\n\nb\r\r\n" + long + "\n" + long[:longest] + "\r\n" + long[:longest+1] + "\nlast"
	want := []string{"a", "", "b\r", "too long", long[:longest], "too long", "last"}
	for _, size := range []int{16, 64, 4096} { // a line in pieces, and whole
		r := &lineReader{in: bufio.NewReaderSize(strings.NewReader(input), size), longest: longest}
		for i, want := range want {
			line, err := r.next()
			got := string(line)
			if errors.Is(err, djsession.ErrTooLarge) {
				got, err = "too long", nil
			}
			if got != want || err != nil || r.number != i+1 {
				t.Errorf("buffer %d: line %d is %q, %v; want line %d, %q", size, r.number, got, err, i+1, want)
			}
		}
		if _, err := r.next(); err != io.EOF {
			t.Errorf("buffer %d: at the end: %v", size, err)
		}
	}
}

// brokenReader is an input that fails.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestEachLineReadError(t *testing.T) {
	settings, err := djsession.NewSettings("5.2", "secret")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := &app{stdin: io.MultiReader(strings.NewReader("a\nb"), brokenReader{}), stdout: output{&out}, stderr: io.Discard}
	err = a.eachLine(settings, func(dst, line []byte) ([]byte, error) { return append(dst, line...), nil })
	if err == nil || err.Error() != "disk on fire" || out.String() != "a\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}
