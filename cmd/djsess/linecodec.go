package main

import (
	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
)

// formFlags choose the form of payloads.
type formFlags struct{ cookie, legacy bool }

func addFormFlags(cmd *cobra.Command, cookie, legacy string) *formFlags {
	f := &formFlags{}
	cmd.Flags().BoolVar(&f.cookie, "cookie", false, cookie)
	cmd.Flags().BoolVar(&f.legacy, "legacy", false, legacy)
	return f
}

// lineCodec is the codec of the settings, for stored payloads or for cookies.
func (a *app) lineCodec(cmd *cobra.Command, f *formFlags) (*djsession.Settings, djsession.Codec, error) {
	if f.cookie && f.legacy {
		return nil, nil, usagef(cmd, "--cookie and --legacy: choose one: cookies were never in the older form")
	}
	c, err := a.readConfig()
	if err != nil {
		return nil, nil, err
	}
	settings, err := a.settings(c, false)
	if err != nil {
		return nil, nil, err
	}
	newCodec := djsession.NewCodec
	if f.cookie {
		newCodec = djsession.NewCookieCodec
	}
	codec, err := newCodec(settings)
	return settings, codec, err
}
