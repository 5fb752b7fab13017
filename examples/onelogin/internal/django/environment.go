package django

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// environment returns the Python of a virtual environment. The first call makes the environment, and installs the packages of
// the file requirements.
func environment(ctx context.Context, dir, requirements string, log io.Writer) (string, error) {
	python := filepath.Join(dir, "bin", "python")
	if runtime.GOOS == "windows" {
		python = filepath.Join(dir, "Scripts", "python.exe")
	}
	required, err := os.ReadFile(requirements)
	if err != nil {
		return "", err
	}
	stamp := filepath.Join(dir, "stamp") // written last: without it the environment is not complete
	installed, err := os.ReadFile(stamp)
	if err == nil && bytes.Equal(installed, required) && exec.CommandContext(ctx, python, "-I", "-c", "import django").Run() == nil {
		return python, nil
	}
	system, err := findPython(ctx)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(log, "installing Django in %s, once ...\n", dir)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := run(ctx, system, "-I", "-m", "venv", dir); err != nil {
		return "", err
	}
	err = run(ctx, python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet", "-r", requirements)
	if err != nil {
		return "", fmt.Errorf("%w\n(is there a network? -python can name a Python that has Django 5.2 already)", err)
	}
	return python, os.WriteFile(stamp, required, 0o600)
}

// run runs a program. If it fails, the error has its output.
func run(ctx context.Context, program string, args ...string) error {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
