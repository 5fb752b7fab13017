// Package django runs the example's Django site as a child process, so that one command starts the example. A service beside a
// real site does not need it.
package django

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Config describes the site to run.
type Config struct {
	Folder string // of the site, with its serve.py
	Data   string // the folder for the site's data; Start creates it
	Python string // a Python that has Django; "": Start installs Django in Data
	Log    io.Writer
}

// Site is a running Django site.
type Site struct {
	URL       *url.URL // where it listens
	Database  string   // its SQLite file
	SecretKey string
	Password  string // the first password of the user alice

	stdin io.Closer
	ended chan struct{}
	err   error // why the site ended; valid after ended is closed
}

// Start installs Django if it is missing, and starts the site. It returns when the site listens.
func Start(ctx context.Context, c Config) (*Site, error) {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	s := &Site{Database: filepath.Join(data, "db.sqlite3"), ended: make(chan struct{})}
	if s.SecretKey, err = secret(filepath.Join(data, "secret_key"), 50); err != nil {
		return nil, err
	}
	if s.Password, err = secret(filepath.Join(data, "password"), 10); err != nil {
		return nil, err
	}
	python := c.Python
	if python == "" {
		if python, err = environment(ctx, filepath.Join(data, "venv"), filepath.Join(c.Folder, "requirements.txt"), c.Log); err != nil {
			return nil, err
		}
	} else if python, err = exec.LookPath(python); err != nil {
		return nil, err
	} else if python, err = filepath.Abs(python); err != nil {
		return nil, err
	}
	if err := s.start(ctx, python, c, data); err != nil {
		return nil, fmt.Errorf("the Django site: %w", err)
	}
	return s, nil
}

func (s *Site) start(ctx context.Context, python string, c Config, data string) error {
	cmd := exec.Command(python, "-E", "-s", "serve.py") // the caller's Python environment must not apply
	cmd.Dir = c.Folder
	cmd.Env = append(os.Environ(), "ONELOGIN_DATA="+data)
	cmd.Stderr = c.Log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.stdin = stdin
	defer context.AfterFunc(ctx, func() { cmd.Process.Kill() })() // only while the site starts; later Stop ends it

	lines := bufio.NewReader(stdout)
	address, _ := lines.ReadString('\n')
	go func() {
		io.Copy(c.Log, lines) // the output of the site
		s.err = cmd.Wait()
		close(s.ended)
	}()
	if address == "" {
		<-s.ended
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("it ended before it listened: %v", s.err)
	}
	s.URL, err = url.Parse(strings.TrimSpace(address))
	return err
}

// Ended returns a channel that is closed when the site has ended.
func (s *Site) Ended() <-chan struct{} { return s.ended }

// Stop ends the site: the site ends when its standard input is closed. The system closes that even if this program is killed.
func (s *Site) Stop() {
	s.stdin.Close()
	<-s.ended
}
