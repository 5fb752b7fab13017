package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/signing"
)

// signFlags choose how a value is signed.
type signFlags struct {
	salt, cookie   string
	object, noTime bool
	legacySalt     bool
}

func addSignFlags(cmd *cobra.Command) *signFlags {
	f := new(signFlags)
	cmd.Flags().StringVar(&f.salt, "salt", "", "the `SALT` that the site gives (default: that of the class, as in Django)")
	cmd.Flags().StringVar(&f.cookie, "cookie", "", "a signed cookie of this `NAME`: set_signed_cookie and get_signed_cookie")
	cmd.Flags().BoolVar(&f.object, "object", false, "a JSON value: signing.dumps and signing.loads")
	cmd.Flags().BoolVar(&f.noTime, "no-time", false, "without a time: Signer in place of TimestampSigner")
	cmd.Flags().BoolVar(&f.legacySalt, "legacy-salt", false, "the cookie's salt as up to Django 5.2.14 and 6.0.5 (default: as DJANGO_VERSION says)")
	return f
}

func (f *signFlags) check(cmd *cobra.Command) error {
	kinds := 0
	for _, given := range []bool{f.cookie != "", f.object, f.noTime} {
		if given {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		return usagef(cmd, "--cookie, --object and --no-time: choose one")
	case f.legacySalt && f.cookie == "":
		return usagef(cmd, "--legacy-salt is for --cookie")
	case cmd.Flags().Changed("cookie") && f.cookie == "":
		return usagef(cmd, "--cookie: want the name of the cookie; it is empty")
	}
	return nil
}

// options returns the options of a signer for the site's settings.
func (f *signFlags) options(s *djsession.Settings) signing.Options {
	o := signing.Options{
		SecretKey: s.SecretKey, SecretKeyFallbacks: s.SecretKeyFallbacks, Salt: f.salt,
		Algorithm: s.DefaultHashingAlgorithm, MaxSize: s.MaxPayloadSize, Now: s.Now,
	}
	if s.AtLeast(3, 1) && !s.AtLeast(4, 0) {
		o.LegacyAlgorithm = signing.SHA1
	}
	if f.object && f.salt == "" {
		o.Salt = "django.core.signing"
	}
	return o
}

// cookieSigner returns the signer of cookies. It reads both forms of the salt, unless --legacy-salt is given.
func (f *signFlags) cookieSigner(s *djsession.Settings) signing.CookieSigner {
	c := signing.CookieSigner{Options: f.options(s), Salt: signing.CookieSaltLegacy}
	c.Options.Salt = ""
	if !f.legacySalt && separatesCookieSalt(s) {
		c.Salt, c.LegacySaltFallback = signing.CookieSaltV2, true
	}
	return c
}

// separatesCookieSalt reports whether the site's Django separates the name and the salt of a signed cookie: 5.2.15, 6.0.6, 6.1 and
// later. Without a patch release it is the last one of 5.2 or 6.0.
func separatesCookieSalt(s *djsession.Settings) bool {
	if s.AtLeast(6, 1) || !s.AtLeast(5, 2) {
		return s.AtLeast(6, 1)
	}
	first := 15
	if s.AtLeast(6, 0) {
		first = 6
	}
	parts := strings.Split(s.DjangoVersion, ".")
	if len(parts) < 3 {
		return true
	}
	patch, err := strconv.Atoi(parts[2])
	return err != nil || patch >= first
}

func (a *app) signCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sign [flags]",
		Short: "Sign values as Django does, line by line",
		Long: `Sign reads values, one a line, and prints them signed, as Django's TimestampSigner
does. With --object the values are JSON and the result is that of signing.dumps, and
with --cookie it is the value of a signed cookie. It needs the SECRET_KEY and no store.

The signed value is not encrypted: everybody who has it can read it.`,
		Example: `  echo alice | djsess sign --salt invitation
  echo '{"id": 42}' | djsess sign --object --salt invitation
  echo light | djsess sign --cookie theme`,
		Args: exactly(0, "want no arguments: values are read from standard input, one a line"),
	}
	f := addSignFlags(cmd)
	compress := cmd.Flags().Bool("compress", false, "compress an object if that makes it shorter")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		settings, err := a.signSettings(cmd, f)
		if err != nil {
			return err
		}
		sign, err := f.signer(settings, *compress)
		if err != nil {
			return err
		}
		return a.eachLine(settings, sign)
	}
	return cmd
}

// signSettings returns the settings, once the flags are checked.
func (a *app) signSettings(cmd *cobra.Command, f *signFlags) (*djsession.Settings, error) {
	if err := f.check(cmd); err != nil {
		return nil, err
	}
	c, err := a.readConfig()
	if err != nil {
		return nil, err
	}
	return a.settings(c, false)
}

func (f *signFlags) signer(s *djsession.Settings, compress bool) (func(dst, line []byte) ([]byte, error), error) {
	switch {
	case f.cookie != "":
		cookies := f.cookieSigner(s)
		return func(dst, line []byte) ([]byte, error) {
			signed, err := cookies.Sign(f.cookie, f.salt, string(line))
			return append(dst, signed...), err
		}, nil
	case f.noTime:
		signer, err := signing.NewSigner(f.options(s))
		if err != nil {
			return nil, err
		}
		return func(dst, line []byte) ([]byte, error) { return append(dst, signer.Sign(string(line))...), nil }, nil
	}
	signer, err := signing.NewTimestampSigner(f.options(s))
	if err != nil {
		return nil, err
	}
	if !f.object {
		return func(dst, line []byte) ([]byte, error) { return append(dst, signer.Sign(string(line))...), nil }, nil
	}
	return func(dst, line []byte) ([]byte, error) {
		text, err := pyjson.Normalize(string(line), pyjson.Limits{Depth: pyjson.MaxWriteDepth})
		if err != nil {
			return nil, err
		}
		return signer.AppendObject(dst, []byte(text), compress), nil
	}, nil
}

func (a *app) unsignCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unsign [flags]",
		Short: "Check signed values and print what they hold, line by line",
		Long: `Unsign reads values that Django or djsess sign has signed, one a line, checks the
signatures, and prints the values. It takes what Django takes: also signatures of
SECRET_KEY_FALLBACKS. It needs the SECRET_KEY and no store.

Unsign names lines with a bad signature on stderr and goes on. The exit status is then 4.`,
		Example: `  djsess unsign --salt invitation < tokens.txt
  djsess unsign --object --salt invitation --max-age 72h < tokens.txt
  djsess unsign --cookie theme < cookies.txt`,
		Args: exactly(0, "want no arguments: signed values are read from standard input, one a line"),
	}
	f := addSignFlags(cmd)
	maxAge := cmd.Flags().Duration("max-age", 0, "refuse what was signed longer ago than this, such as `72h` (default: no limit)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		limit := signing.NoMaxAge
		if cmd.Flags().Changed("max-age") {
			limit = *maxAge
		}
		if f.noTime && limit != signing.NoMaxAge {
			return usagef(cmd, "--max-age: a value that was signed with --no-time has no time")
		}
		settings, err := a.signSettings(cmd, f)
		if err != nil {
			return err
		}
		unsign, err := f.unsigner(settings, limit)
		if err != nil {
			return err
		}
		return a.eachLine(settings, unsign)
	}
	return cmd
}

func (f *signFlags) unsigner(s *djsession.Settings, maxAge time.Duration) (func(dst, line []byte) ([]byte, error), error) {
	switch {
	case f.cookie != "":
		cookies := f.cookieSigner(s)
		return func(dst, line []byte) ([]byte, error) {
			value, _, err := cookies.Unsign(f.cookie, f.salt, string(line), maxAge)
			return append(dst, value...), err
		}, nil
	case f.noTime:
		signer, err := signing.NewSigner(f.options(s))
		if err != nil {
			return nil, err
		}
		return func(dst, line []byte) ([]byte, error) {
			value, _, err := signer.Unsign(string(line))
			return append(dst, value...), err
		}, nil
	}
	signer, err := signing.NewTimestampSigner(f.options(s))
	if err != nil {
		return nil, err
	}
	if f.object {
		return func(dst, line []byte) ([]byte, error) {
			dst, _, err := signer.OpenObject(dst, line, maxAge)
			return dst, err
		}, nil
	}
	return func(dst, line []byte) ([]byte, error) {
		value, _, err := signer.Unsign(string(line), maxAge)
		return append(dst, value...), err
	}, nil
}
