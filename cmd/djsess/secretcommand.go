package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/djsess/djsess/djsession/storeurl"
)

// secretCommand is a program that prints secrets, one a line: SECRET_KEY_COMMAND, or the
// password_command of a store. Errors name the program and show neither its arguments nor its output.
type secretCommand struct {
	args   []string // the program and its arguments, which no shell reads
	folder string   // where it runs: that of the configuration
	stderr io.Writer
	limit  time.Duration
}

const (
	secretCommandLimit = 30 * time.Second
	// mostSecretBytes bounds what a program may print.
	mostSecretBytes = 64 << 10
)

// command returns a program that the configuration names.
func (c *config) command(args []string) *secretCommand {
	return &secretCommand{args, filepath.Dir(c.file), c.stderr, secretCommandLimit}
}

// password returns the option that has each connection to a named store run the store's
// password_command. It returns none if the store has no such command.
func (c *config) password(name string, option func(func(context.Context) (string, error)) storeurl.Option) []storeurl.Option {
	args := c.stores[name].passwordCommand
	if args == nil {
		return nil
	}
	return []storeurl.Option{option(func(ctx context.Context) (string, error) {
		password, err := c.command(args).password(ctx)
		if err != nil {
			return "", configAt(c.file+": stores."+name+".password_command", err)
		}
		return password, nil
	})}
}

// configAt is an error about a part of the configuration. An interrupt is not one.
func configAt(name string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return configf("%s: %w", name, err)
}

// password runs the program and returns the line that it prints.
func (c *secretCommand) password(ctx context.Context) (string, error) {
	lines, err := c.lines(ctx)
	switch {
	case err != nil:
		return "", err
	case len(lines) > 1:
		return "", fmt.Errorf("%s printed %d lines, and a password is one", c, len(lines))
	}
	return lines[0].text, nil
}

// lines runs the program and returns the lines that it prints, without empty ones.
func (c *secretCommand) lines(ctx context.Context) ([]secretLine, error) {
	data, err := c.run(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := secretLines(data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the output of %s: %w", c, err)
	case len(lines) == 0:
		return nil, fmt.Errorf("%s printed nothing", c)
	}
	return lines, nil
}

// run runs the program, without a terminal to ask on, and returns what it prints. If the program does
// not end in time, run kills it and whatever it has started.
func (c *secretCommand) run(ctx context.Context) ([]byte, error) {
	// In its own process group the program does not get the Ctrl-C of a terminal, nor its end.
	ends := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // under nohup it stays ignored
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, ends...)
	defer stop()
	limited, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	out := boundedBuffer{most: mostSecretBytes}
	cmd := exec.CommandContext(limited, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.folder, &out, c.stderr
	cmd.WaitDelay = time.Second // for a process that it leaves behind with its output
	killAsGroup(cmd)
	err := cmd.Run()
	switch exit := (*exec.ExitError)(nil); {
	case out.isFull:
		return nil, fmt.Errorf("%s printed more than %d KiB", c, mostSecretBytes>>10)
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return out.buffer.Bytes(), nil
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, ctx.Err()
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s was still running when the time for a load was over, and was killed: load_timeout in the store's URL makes that longer", c)
	case limited.Err() != nil:
		return nil, fmt.Errorf("%s was still running after %s, and was killed", c, c.limit)
	case errors.As(err, &exit):
		return nil, fmt.Errorf("%s failed: %w", c, exit)
	}
	err = fmt.Errorf("the program cannot be started: %w", withoutName(err))
	if len(c.args) == 1 && strings.Contains(c.args[0], " ") {
		err = fmt.Errorf(`%w; each argument is a text of its own in the list: ["program", "argument"]`, err)
	}
	return nil, err
}

// String returns the program as errors name it.
func (c *secretCommand) String() string {
	return fmt.Sprintf("the program %q", filepath.Base(c.args[0]))
}

// withoutName takes the name of a program out of an error. A name that no program has may be the
// secret itself.
func withoutName(err error) error {
	var lookup *exec.Error
	var path *fs.PathError
	switch {
	case errors.As(err, &lookup):
		return lookup.Err
	case errors.As(err, &path):
		return path.Err
	}
	return errors.New("it is not found, or must not be run")
}

// boundedBuffer is a buffer that refuses to become larger than most.
type boundedBuffer struct {
	buffer bytes.Buffer // not embedded: io.Copy would use its ReadFrom, which has no bound
	most   int
	isFull bool
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.buffer.Len()+len(p) > b.most {
		b.isFull = true
		return 0, errors.New("the buffer is full")
	}
	return b.buffer.Write(p)
}
