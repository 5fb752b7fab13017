package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os/signal"
	"syscall"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/spf13/cobra"
)

// site is a store that is open, and the settings of its site.
type site struct {
	storeurl.Store
	settings *djsession.Settings
	isCache  bool // the engine cache
	namedBy  string
}

// withStore opens the store for the time of f. The context ends when the user
// or the system says so.
func (a *app) withStore(cmd *cobra.Command, f func(ctx context.Context, s *site) error) error {
	c, err := a.readConfig()
	if err != nil {
		return err
	}
	place, err := a.storePlace(c)
	if err != nil {
		return err
	}
	a.storeNamedBy = place.namedBy
	if err := place.check(); err != nil { // before the SECRET_KEY, which it may not need
		return openError(err, place.namedBy)
	}
	settings, err := a.settings(c, place.isUnsigned())
	if err != nil {
		return err
	}
	settings.AcceptNewKey = a.flags.acceptNewKey
	a.warnOfDefaultZone(c, place, settings)
	store, err := place.open(settings, a.flags.readOnly)
	if err != nil {
		return openError(err, place.namedBy)
	}
	defer store.Close()
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // who asks twice does not want to wait
	err = f(ctx, &site{store, settings, place.isUnsigned(), place.namedBy})
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	var operation *net.OpError
	var lookup *net.DNSError
	if errors.As(err, &operation) || errors.As(err, &lookup) || errors.Is(err, context.DeadlineExceeded) {
		return &hinted{err, "is the server up, and are host and port right? " + fromPlace(place.namedBy)}
	}
	return err
}

// check finds the schemes of the store's URLs.
func (p *place) check() (err error) {
	if p.cache != "" {
		if _, err := storeurl.SchemeOf(p.cache); err != nil {
			return err
		}
	}
	p.scheme, err = storeurl.SchemeOf(p.url)
	return err
}

// isUnsigned reports whether the store needs no SECRET_KEY.
func (p place) isUnsigned() bool { return p.cache == "" && p.scheme.IsCache() }

func (p place) open(settings *djsession.Settings, readOnly bool) (storeurl.Store, error) {
	switch {
	case p.cache != "" && readOnly:
		return storeurl.OpenCachedDBReadOnly(p.cache, p.url, settings)
	case p.cache != "":
		return storeurl.OpenCachedDB(p.cache, p.url, settings)
	case readOnly:
		return storeurl.OpenReadOnly(p.url, settings)
	}
	return storeurl.Open(p.url, settings)
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
	return nil, fmt.Errorf("%s: this engine cannot enumerate its sessions: %w", s, errors.ErrUnsupported)
}

// expires is when a session ends. Loading it does not tell everywhere; a zero time
// is that the store does not know.
func (s *site) expires(ctx context.Context, r *djsession.Record) (time.Time, error) {
	asked, ok := s.Store.(interface {
		Expires(ctx context.Context, key string) (time.Time, error)
	})
	if !r.Expires.IsZero() || !ok {
		return r.Expires, nil
	}
	expires, err := asked.Expires(ctx, r.Key)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return time.Time{}, nil
	case err == nil && expires.IsZero():
		return cachestore.Never, nil
	}
	return expires, err
}

// acceptNewKeyFlag adds --accept-new-key to a command that signs sessions.
func (a *app) acceptNewKeyFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.flags.acceptNewKey, "accept-new-key", false,
		"write even if the newest sessions were signed with a fallback key: for a site that has just changed its SECRET_KEY")
}
