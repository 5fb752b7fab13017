package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageError is a wrong command line. Its text never quotes a whole argument, since any may
// be a session key or a secret.
type usageError struct {
	command string
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{cmd.CommandPath(), fmt.Errorf(format, args...)}
}

// exactly and atLeast check the number of arguments. Their error is want.
func exactly(n int, want string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef(cmd, "%s", want)
		}
		return nil
	}
}

func atLeast(n int, want string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return usagef(cmd, "%s", want)
		}
		return nil
	}
}

func unknownCommand(cmd *cobra.Command, name string) error {
	known := commandNames(cmd.Root())
	var begun []string // such as clear-expired by "clear"
	for _, k := range known {
		if strings.HasPrefix(k, name) {
			begun = append(begun, k)
		}
	}
	best := nearest(name, known)
	if len(begun) == 1 {
		best = begun[0]
	}
	if len(begun) == 1 || edits(name, best) <= 2 {
		return usagef(cmd, "there is no command %s: did you mean %q?", shown(name), best)
	}
	return usagef(cmd, "there is no command %s: there are %s", shown(name), strings.Join(known, ", "))
}

// flagError returns the usage error for a flag, without the flag's value.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		switch {
		case isSecretName(name):
			return usagef(cmd, "secrets are refused on the command line, where every user of this machine can read them: %s", secretPlaces)
		case unknown.GetSpecifiedShortnames() != "":
			return usagef(cmd, "there is no flag -%s%s", oneLine(name), dashHint(cmd))
		}
		return usagef(cmd, "there is no flag --%s%s", strings.Trim(shown(name), `"`), dashHint(cmd))
	case errors.As(err, &invalid):
		return usagef(cmd, "--%s: want %s", invalid.GetFlag().Name, wantOf(invalid.GetFlag()))
	case errors.As(err, &missing):
		return usagef(cmd, "--%s: want %s behind it", missing.GetFlag().Name, wantOf(missing.GetFlag()))
	}
	return usagef(cmd, "a flag has the wrong form")
}

// dashHint says how a command that takes names of values takes one that looks like a flag.
func dashHint(cmd *cobra.Command) string {
	if strings.Contains(cmd.Use, "NAME") {
		return ": put -- before names that begin with -"
	}
	return ""
}

const secretPlaces = "give the SECRET_KEY by --secret-key-file FILE, by $DJANGO_SECRET_KEY, or by SECRET_KEY_FILE in djsess.toml; " +
	"a store's password by $DJSESS_STORE or $DATABASE_URL, or by [stores] in djsess.toml (and PostgreSQL's by ~/.pgpass)"

// isSecretName reports whether the value of an unknown flag is probably a secret.
func isSecretName(flag string) bool {
	flag = strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(flag))
	for _, word := range []string{"secret", "password", "passwd", "passphrase", "token"} {
		if strings.Contains(flag, word) {
			return true
		}
	}
	return flag == "key" || flag == "pass" || flag == "pw"
}

func wantOf(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int":
		return "a whole number"
	case "bool":
		return "true or false"
	case "string":
		return "a value"
	}
	return f.Value.Type() // the type of our own flags says what they take
}

// shown returns an argument as messages may show it. A short word of letters and digits is shown
// whole. Any other argument may be a session key, which is longer, or a URL with a password,
// which has other characters: only its beginning is shown.
func shown(arg string) string {
	const longest = 24
	plain := strings.IndexFunc(arg, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
	switch {
	case plain >= 0:
		return `"` + arg[:min(plain, 6)] + `…"`
	case len(arg) > longest:
		return `"` + djsession.ShortKey(arg) + `"`
	}
	return `"` + arg + `"`
}
