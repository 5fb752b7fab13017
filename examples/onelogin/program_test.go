package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// With ONELOGIN_PROGRAM the test binary is the program itself. So the tests use the program as a
// user starts it.
func TestMain(m *testing.M) {
	if os.Getenv("ONELOGIN_PROGRAM") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program is the running example.
type program struct {
	cmd      *exec.Cmd
	url      string // without the last slash
	django   string // the address of its Django
	password string // alice's
}

func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "ONELOGIN_PROGRAM=1")
	return cmd
}

var announced = regexp.MustCompile(`(?s)    (http://\S+)/\n.*password (\S+)\n.*listens at http://(\S+)\n`)

// start runs the example on the data in a folder, with the Django 5.2 of the tests, until the test ends.
func start(t *testing.T, data string) *program {
	t.Helper()
	cmd := command("-addr", "127.0.0.1:0", "-data", data, "-python", djangotest.Python(t, "5.2"))
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: cmd}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			p.interrupt(t)
		}
	})
	var output strings.Builder
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		output.WriteString(lines.Text() + "\n")
		if m := announced.FindStringSubmatch(output.String()); m != nil {
			p.url, p.password, p.django = m[1], m[2], m[3]
			return p
		}
	}
	t.Fatalf("the program ended: %v, with the output %q", cmd.Wait(), output.String())
	return nil
}

// interrupt ends the program as ^C does.
func (p *program) interrupt(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after ^C: %v", err)
	}
}

// listens reports whether a server listens at an address.
func listens(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// A second start uses the data of the first start, and ^C ends all processes.
func TestSecondStart(t *testing.T) {
	djangotest.NotShort(t, "two starts")
	data := t.TempDir()
	first := start(t, data)
	b := newBrowser(t, first)
	b.logIn("/go/")
	first.interrupt(t)
	if listens(strings.TrimPrefix(first.url, "http://")) || listens(first.django) {
		t.Error("after ^C a server still listens")
	}

	second := start(t, data)
	if second.password != first.password {
		t.Error("alice's password has changed")
	}
	b.site = second
	b.wantUser("/go/", "alice")
	b.wantUser("/", "alice")
}

// If the program is killed, its Django ends, too.
func TestKilled(t *testing.T) {
	djangotest.NotShort(t, "a second start")
	p := start(t, t.TempDir())
	if !listens(p.django) {
		t.Fatal("Django does not listen at its address")
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.cmd.Wait()
	for listens(p.django) {
		time.Sleep(time.Millisecond)
	}
}

// The error messages at the start contain a remedy.
func TestStartMessages(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	python := djangotest.Python(t, "5.2")
	folder := strings.TrimSuffix(python, "/python")

	for _, test := range []struct {
		name string
		args []string
		env  []string
		want string
	}{
		{"port taken", []string{"-addr", taken.Addr().String()}, nil, "-addr 127.0.0.1:8001"},
		{"no Python", nil, []string{"PATH="}, "Django 5.2 needs 3.10 or later"},
		{"no such Python", []string{"-python", "no-such-python"}, nil, `"no-such-python"`},
		{"pip fails", nil, []string{"PATH=" + folder, "PIP_CONFIG_FILE=" + os.DevNull, "PIP_NO_INDEX=1", "PIP_FIND_LINKS="},
			"is there a network?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "pip fails" {
				djangotest.NotShort(t, "it makes a virtual environment")
			}
			cmd := command(append([]string{"-addr", "127.0.0.1:0", "-data", t.TempDir()}, test.args...)...)
			cmd.Env = append(cmd.Env, test.env...)
			out, err := cmd.CombinedOutput()
			if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), test.want) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
