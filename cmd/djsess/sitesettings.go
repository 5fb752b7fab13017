package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/internal/sitefile"
)

// siteProgram is the Python program that describes a site.
//
//go:embed siteprogram.py
var siteProgram string

// manageName is the name of the file from which the site's settings are known.
const manageName = "manage.py"

func (a *app) settingsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "settings [flags]",
		Short: "Write the site's settings to a file, for Go and for djsess",
		Long: `Settings runs a program in the site and writes what Go must know of it as JSON: the
release of Django, the settings of sessions, users and CSRF, where the sessions are,
and the columns of the users' table.

It runs manage.py, in this folder or one above, up to the point where manage.py
would run a command. So it uses the settings that manage.py chooses, or those of
$DJANGO_SETTINGS_MODULE. Without a manage.py that variable is needed.
Python is that of --python, of $VIRTUAL_ENV, of .venv beside manage.py, or python3.

A manage.py and a .venv that are found this way must belong to you or root, and no
other user may be able to write to them or to their folder. Otherwise name them by
--manage and --python, or, in a container, set $DJSESS_TRUST_CONFIG.

The file has no secret: neither SECRET_KEY nor a password. What was left out is
listed in it under "left_out", and on stderr.

Programs read it by djsession.SettingsFromFile, djauth.FromFile and
storeurl.OpenFromFile; djsess reads it if --settings, or settings_file in
djsess.toml, names it.`,
		Example: `  djsess settings -o djsess-settings.json
  DJANGO_SETTINGS_MODULE=shop.settings djsess settings --python venv/bin/python`,
		Args: exactly(0, "want no arguments"),
	}
	var output string
	cmd.Flags().StringVarP(&output, "output", "o", "", "`FILE` to write (default: stdout)")
	where := addSiteFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		// What begins otherwise is no JSON: it may be settings.py or the database.
		file := &newFile{wholeFile: wholeFile{path: cmp.Or(output, standardStream), force: true, begin: "{"}}
		if err := file.check(); err != nil {
			return err
		}
		s, err := where.find()
		if err != nil {
			return err
		}
		ctx, stop := untilInterrupted(cmd)
		defer stop()
		data, err := a.runInSite(ctx, s, "")
		if err != nil {
			return err
		}
		parsed, err := sitefile.Parse(data)
		if err != nil {
			return fmt.Errorf("what %s wrote is not used: %w", s.python, err)
		}
		for _, leftOut := range parsed.LeftOut {
			a.complain("left out: %s", leftOut)
		}
		if file.path == standardStream {
			_, err = a.stdout.Write(data)
			return err
		}
		file.data = data
		return writeTogether([]*newFile{file})
	}
	return cmd
}

// djangoSite is how to run a program in a site.
type djangoSite struct {
	manage string // the path of manage.py, or "" if $DJANGO_SETTINGS_MODULE names the settings
	python string
}

// siteFlags are the flags --manage and --python.
type siteFlags struct{ manage, python *string }

func addSiteFlags(cmd *cobra.Command) siteFlags {
	return siteFlags{
		manage: cmd.Flags().String("manage", "", "`FILE` in place of manage.py here or above"),
		python: cmd.Flags().String("python", "", "`PATH` of the site's Python"),
	}
}

// find finds manage.py and the site's Python, unless they are given.
func (f siteFlags) find() (s djangoSite, err error) {
	s = djangoSite{*f.manage, *f.python}
	if s.manage == "" {
		if s.manage, err = findUp(manageName); err != nil {
			return s, err
		}
		if s.manage == "" && os.Getenv("DJANGO_SETTINGS_MODULE") == "" {
			return s, configf("there is no %s in this folder or above: go into the site's folder, name the file by --manage, or set $DJANGO_SETTINGS_MODULE", manageName)
		}
		if err := trustFound(s.manage, "--manage"); err != nil {
			return s, err
		}
	}
	if s.manage != "" {
		if s.manage, err = filepath.Abs(s.manage); err != nil { // Python will run in its folder
			return s, err
		}
		if _, err := os.Stat(s.manage); err != nil { // Python would name its import of Django first
			return s, configf("--manage: %w", err)
		}
	}
	if s.python == "" {
		s.python, err = s.findPython()
	} else if filepath.Base(s.python) != s.python {
		s.python, err = filepath.Abs(s.python)
	}
	return s, err
}

func (s djangoSite) findPython() (string, error) {
	if active := os.Getenv("VIRTUAL_ENV"); active != "" {
		return pythonIn(active), nil
	}
	if s.manage != "" {
		environment := filepath.Join(filepath.Dir(s.manage), ".venv")
		python := pythonIn(environment)
		if _, err := os.Stat(python); err == nil {
			// Who may write to the environment can change its pyvenv.cfg, and so what Python runs.
			return python, cmp.Or(trustFound(environment, "--python"), trustFound(python, "--python"))
		}
	}
	return "python3", nil
}

// pythonIn returns the path of Python in a virtual environment.
func pythonIn(environment string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(environment, "Scripts", "python.exe")
	}
	return filepath.Join(environment, "bin", "python")
}

// trustFound is trust for a program that was found by a search, unless the path is "".
func trustFound(path, flag string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return &configError{err}
	}
	if err := trust(path, info, flag); err != nil {
		return configf("%s: %w", path, err)
	}
	return nil
}

// runInSite runs the program and returns what it writes. What the site itself prints goes to stderr. randomText is that of
// init, or "".
func (a *app) runInSite(ctx context.Context, s djangoSite, randomText string) ([]byte, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, s.python, "-c", siteProgram, s.manage, randomText)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1") // __pycache__ would belong to this user, and not to the site's
	if s.manage != "" {
		cmd.Dir = filepath.Dir(s.manage)
	}
	err := cmd.Run()
	switch exit := (*exec.ExitError)(nil); {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &exit):
		where := s.manage
		if where == "" {
			where = "$DJANGO_SETTINGS_MODULE"
		}
		// A whole traceback may show secrets. The program writes its last line without them.
		lines := strings.Split(strings.TrimSpace(errs.String()), "\n")
		return nil, &hinted{fmt.Errorf("the settings of %s could not be read by %s: %w: %s", where, s.python, exit, oneLine(lines[len(lines)-1])),
			"is it the site's Python (--python), and does manage.py check work with it?"}
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return nil, configf("run Python: %w: name the site's Python by --python", err)
	case err == nil:
		_, err = a.stderr.Write(errs.Bytes())
	}
	return out.Bytes(), err
}
