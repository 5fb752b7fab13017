// Package django runs the example's Django site as a child process. It is what makes the example one command; a service
// beside a real site has nothing like it.
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

// Config says what to run.
type Config struct {
	Folder string // of the site, with its serve.py
	Data   string // the folder for what the site keeps, made when it is missing
	Python string // one that has Django; "": make an environment that has it, in Data
	Log    io.Writer
}

// Site is a running Django site.
type Site struct {
	URL       *url.URL // where it listens
	Database  string   // its SQLite file
	SecretKey string
	Password  string // of the user alice, when she was made

	stdin io.Closer
	ended chan struct{}
	err   error // why it ended; read after ended
}

// Start installs what is missing, starts the site, and returns when it answers.
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
	cmd := exec.Command(python, "-E", "-s", "serve.py") // nothing of the caller's own Python environment counts
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
	defer context.AfterFunc(ctx, func() { cmd.Process.Kill() })() // while it starts: later it ends by Stop

	lines := bufio.NewReader(stdout)
	address, _ := lines.ReadString('\n')
	go func() {
		io.Copy(c.Log, lines) // what the site prints
		s.err = cmd.Wait()
		close(s.ended)
	}()
	if address == "" {
		<-s.ended
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("it ended at once: %v", s.err)
	}
	s.URL, err = url.Parse(strings.TrimSpace(address))
	return err
}

// Ended is closed when the site has ended, by itself or by Stop.
func (s *Site) Ended() <-chan struct{} { return s.ended }

// Stop ends the site, which does so when its standard input does. That is why it ends with us, however we do.
func (s *Site) Stop() {
	s.stdin.Close()
	<-s.ended
}
