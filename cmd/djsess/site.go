package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os/signal"
	"syscall"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/spf13/cobra"
)

// site is a store that is open, and the settings of its site.
type site struct {
	storeurl.Store
	settings *djsession.Settings
}

// withStore opens the store for the time of f. The context ends when the user
// or the system says so.
func (a *app) withStore(cmd *cobra.Command, f func(ctx context.Context, s *site) error) error {
	c, err := a.readConfig()
	if err != nil {
		return err
	}
	rawURL, namedBy, err := a.storePlace(c)
	if err != nil {
		return err
	}
	a.storeNamedBy = namedBy
	settings, err := a.settings(c)
	if err != nil {
		return err
	}
	a.warnOfDefaultZone(c, rawURL, settings)
	open := storeurl.Open
	if a.flags.readOnly {
		open = storeurl.OpenReadOnly
	}
	store, err := open(rawURL, settings)
	if err != nil {
		return openError(err, namedBy)
	}
	defer store.Close()
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // who asks twice does not want to wait
	err = f(ctx, &site{store, settings})
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	var operation *net.OpError
	var lookup *net.DNSError
	if errors.As(err, &operation) || errors.As(err, &lookup) {
		return &hinted{err, "is the server up, and are host and port right? " + fromPlace(namedBy)}
	}
	return err
}

// openError tells a URL that makes no sense from a file that is not there.
func openError(err error, namedBy string) error {
	if path := (*fs.PathError)(nil); errors.Is(err, fs.ErrNotExist) || errors.As(err, &path) {
		return err
	}
	return &hinted{&configError{err}, fromPlace(namedBy)}
}

// withWriter is withStore for a command that writes.
func (a *app) withWriter(cmd *cobra.Command, f func(ctx context.Context, s *site) error) error {
	if a.flags.readOnly {
		return configf("--read-only refuses %q, which writes", cmd.Name())
	}
	return a.withStore(cmd, f)
}

// scanner is the store as one whose sessions can be enumerated.
func (s *site) scanner() (djsession.Scanner, error) {
	if scanner, ok := s.Store.(djsession.Scanner); ok {
		return scanner, nil
	}
	return nil, errors.New(s.String() + ": this engine cannot enumerate its sessions")
}
