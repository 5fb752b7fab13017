package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
)

func (a *app) convertCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "convert [flags]",
		Short: "Rewrite sessions in the form that the site writes now",
		Long: `Convert rewrites the live sessions that the site would store in another way now, beside
the live site. It changes a session only if nobody else has changed it meanwhile, and
moves no expiry. It can be stopped and run again at any time. It converts

  legacy to signed    that is, sessions of Django up to 3.0 for 3.1 and later: say what
                      the site runs now by DJANGO_VERSION. Django 3.1 and 3.2 read both
                      forms, so upgrade by way of one of them. Otherwise stop the site,
                      and say by --from-django what it ran
  pickle to JSON      with SESSION_SERIALIZER = ["json", "pickle"]
  in Redis            with several serializers or compressors in the store's URL, such
                      as ?serializer=json,pickle&compressor=zstd,zlib

All workers of the site must read both forms: see docs/moving. If no session is in the new
form yet, convert refuses to begin, since nothing shows that the site reads it.

Django 4.0 and later do not accept the hash that Django up to 3.0 stored with each
login. So convert makes the hash of each login again, if it fits the user, and needs to
know where the users are: in [users], or in a settings file.`,
		Example: `  djsess convert --dry-run
  djsess convert
  djsess convert --from-django 2.2 --accept-new-form   # the site is stopped, and will run 5.2`,
		Args: exactly(0, "want no arguments"),
	}
	flags := addJobFlags(cmd, true)
	onLoss := addLossFlag(cmd)
	hashes := addHashesFlag(cmd)
	cmd.Flags().StringVar(&a.flags.fromDjango, "from-django", "", "also read what this `VERSION` of Django stored, such as 2.2, if the site's does not")
	accept := cmd.Flags().Bool("accept-new-form", false, "convert even if no session is in the new form yet")
	a.acceptNewKeyFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.withRewriter(cmd, flags, func(ctx context.Context, s *site) error {
			job, report, err := a.job(cmd, flags, s.settings)
			if err != nil {
				return err
			}
			options := ops.Conversion{Job: job, OnLoss: onLoss.OnLoss, AcceptNewForm: *accept}
			if options.Site, err = s.running(); err != nil {
				return err
			}
			if options.Earlier, err = s.earlier(a.flags.fromDjango); err != nil {
				return usagef(cmd, "--from-django: %v", err)
			}
			auth, closeUsers, err := hashes.auth(a, s)
			if err != nil {
				return err
			}
			defer closeUsers()
			options.Auth = auth
			did, err := ops.Convert(ctx, s.Store, options)
			return report.finish([]counter{
				{"read", did.Read, "sessions read"},
				{"converted", did.Converted, "rewritten"},
				{"old", did.Old, "were in another form"},
				{"hashes", did.Hashes, "logins got a new hash"},
				{"refused", did.Refused, "logins do not count, since their hashes do not fit their users, and stay as they are"},
				{"lossy", did.Lossy, "have values that JSON cannot hold"},
				{"gone", did.Gone, "left the store meanwhile"},
				{"failed", did.Failed, "could not be stored"},
				{"unreadable", did.Unreadable, "could not be read, and were passed over"},
			}, err)
		})
	}
	return cmd
}

// withRewriter calls withWriter, or with --dry-run withStore for a store that is opened read-only.
func (a *app) withRewriter(cmd *cobra.Command, flags *jobFlags, f func(ctx context.Context, s *site) error) error {
	if !flags.dryRun {
		return a.withWriter(cmd, f)
	}
	a.flags.readOnly = true
	return a.withStore(cmd, f)
}

// running returns the settings that the site runs with, if a settings file says so, or nil. A serializer of the site's own is the
// one that the user has described.
func (s *site) running() (*djsession.Settings, error) {
	file := s.config.site
	if file == nil {
		return nil, nil
	}
	settings, err := djsession.SettingsFromFile(s.config.settingsFile, s.settings.SecretKey)
	if err != nil {
		return nil, &configError{err}
	}
	if serializers[file.Site.SessionSerializer] == nil {
		settings.SessionSerializer = s.settings.SessionSerializer
	}
	return settings, nil
}

// earlier returns the settings of an earlier release, or nil for "".
func (s *site) earlier(version string) (*djsession.Settings, error) {
	if version == "" {
		return nil, nil
	}
	settings, err := djsession.NewSettings(version, s.settings.SecretKey)
	if err != nil {
		return nil, err
	}
	settings.SecretKeyFallbacks = s.settings.SecretKeyFallbacks
	return settings, nil
}
