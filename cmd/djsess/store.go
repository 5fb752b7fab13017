package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
)

// defaultStore is the database of a project that startproject made.
const defaultStore = "db.sqlite3"

const storePlaces = "give one by --store URL, by $DJSESS_STORE or $DATABASE_URL, or as store in " + configName

// place is the location of the sessions.
type place struct {
	url     string            // of the store; of the database of cached_db
	cache   string            // the URL of the cache of cached_db, or ""
	options []storeurl.Option // that the URLs cannot hold
	namedBy string            // the flag, variable or file that names the store
	own     siteSettings      // that the store has in place of those of the file
	scheme  storeurl.Scheme   // of url, once check has found it
}

// storePlace finds the store in the flags, the environment or the configuration.
func (a *app) storePlace(c *config) (place, error) {
	if err := refuseSecret("--store", a.flags.store); err != nil {
		return place{}, err
	}
	if a.flags.store == "" && os.Getenv("DJSESS_STORE") == "" && os.Getenv("DATABASE_URL") != "" {
		if err := c.refuseDatabaseAlone(); err != nil {
			return place{}, err
		}
	}
	for _, source := range []struct{ value, name string }{
		{a.flags.store, "--store"},
		{os.Getenv("DJSESS_STORE"), "$DJSESS_STORE"},
		{os.Getenv("DATABASE_URL"), "$DATABASE_URL"},
	} {
		switch {
		case storeurl.IsURL(source.value):
			return place{url: source.value, namedBy: source.name}, nil
		case source.value != "":
			return c.namedStore(source.value, source.name)
		}
	}
	if c.store != "" {
		namedBy := c.file + ": store"
		if storeurl.IsURL(c.store) {
			return place{url: c.relative(c.store), namedBy: namedBy}, nil
		}
		return c.namedStore(c.store, namedBy)
	}
	if c.settingsFile != "" {
		return c.namedStore(siteStore, c.settingsFile)
	}
	value, namedBy, err := a.fromDotenv("DJSESS_STORE", "DATABASE_URL")
	switch {
	case err != nil:
		return place{}, err
	case storeurl.IsURL(value):
		return place{url: storeurl.Resolve(value, filepath.Dir(a.dotenv.file)), namedBy: namedBy}, nil
	case value != "":
		return c.namedStore(value, namedBy)
	}
	if _, err := os.Stat(defaultStore); errors.Is(err, fs.ErrNotExist) {
		return place{}, &hinted{configf("there is no store: %s", storePlaces), `in the site's folder, "djsess init" writes a djsess.toml that names the store`}
	}
	return place{url: "sqlite:///" + defaultStore, namedBy: "./" + defaultStore}, nil
}

// refuseSecret returns an error if a flag's URL has a password.
func refuseSecret(flag, value string) error {
	if !storeurl.HasSecret(value) {
		return nil
	}
	return configf("%s: passwords and keys are refused on the command line, where every user of this machine can read them: "+
		"give the URL by $DJSESS_STORE or $DATABASE_URL, or under [stores] in %s (and PostgreSQL's password by ~/.pgpass)", flag, configName)
}

// flagPlace finds the store that a flag names.
func (c *config) flagPlace(flag, value string) (place, error) {
	if err := refuseSecret(flag, value); err != nil {
		return place{}, err
	}
	if storeurl.IsURL(value) {
		return place{url: value, namedBy: flag}, nil
	}
	return c.namedStore(value, flag)
}

// refuseDatabaseAlone returns an error if the configured store is a cached_db. After changes to its
// database alone, by $DATABASE_URL, the site's cache would keep the old sessions.
func (c *config) refuseDatabaseAlone() error {
	const remedy = "choose one by --store or $DJSESS_STORE"
	switch {
	case c.store != "" && c.stores[c.store].engine == cachedDB:
		return configf("$DATABASE_URL names a database, and %s names the store %q, which is a cached_db: %s", c.file, c.store, remedy)
	case c.store == "" && c.site != nil && c.stores[siteStore].engine == cachedDB:
		return configf("$DATABASE_URL names a database, and in %s the sessions are in a cached_db: %s", c.settingsFile, remedy)
	}
	return nil
}

// namedStore returns a store of [stores].
func (c *config) namedStore(name, namedBy string) (place, error) {
	s, ok := c.stores[name]
	if !ok || s.engine != cachedDB {
		rawURL, err := c.storeURL(name, namedBy)
		return place{url: rawURL, options: c.optionsOf(name), namedBy: namedBy, own: s.settings}, err
	}
	cache, err := c.partURL(s.cache, c.file+": stores."+name+".cache")
	if err != nil {
		return place{}, err
	}
	database, err := c.partURL(s.database, c.file+": stores."+name+".database")
	p := place{url: database, cache: cache, options: c.optionsOf(s.database), namedBy: namedBy, own: s.settings}
	p.options = append(p.options, c.password(s.cache, storeurl.WithCachePasswordFrom)...)
	return p, err
}

// optionsOf returns what the URL of a named store cannot hold. A URL in place of the name has none.
func (c *config) optionsOf(name string) (options []storeurl.Option) {
	if model := c.stores[name].model; model != nil {
		options = append(options, storeurl.WithModel(*model))
	}
	return append(options, c.password(name, storeurl.WithPasswordFrom)...)
}

// partURL returns the URL of the cache or the database of cached_db.
func (c *config) partURL(value, namedBy string) (string, error) {
	if storeurl.IsURL(value) {
		return c.relative(value), nil
	}
	return c.storeURL(value, namedBy)
}

// storeURL returns the URL of a named store.
func (c *config) storeURL(name, namedBy string) (string, error) {
	s, ok := c.stores[name]
	switch known := c.storeNames(); {
	case ok && s.engine == cachedDB:
		return "", configf("%s: %s is a cached_db itself", namedBy, shown(name))
	case ok && s.url == "":
		return "", c.withoutURL(name)
	case ok:
	case strings.ContainsAny(name, "./"):
		return "", configf("%s: %s is no URL: a SQLite file is sqlite:///relative/path or sqlite:////absolute/path", namedBy, shown(name))
	case c.file == "" && known == "":
		return "", configf("%s: %s is no URL, and there is no %s that could name it", namedBy, shown(name), configName)
	case known == "":
		return "", configf("%s: %s is no URL, and %s names no stores", namedBy, shown(name), c.file)
	default:
		return "", configf("%s: %s is no URL and none of the stores in %s: there are %s", namedBy, shown(name), cmp.Or(c.file, c.settingsFile), known)
	}
	rawURL := c.relative(s.url)
	password, at, err := c.fixedPassword(name)
	if err == nil && password != "" {
		rawURL, err = storeurl.WithPassword(rawURL, password)
	}
	if err != nil {
		return "", configf("%s: %w", at, err)
	}
	for _, option := range []struct{ name, value string }{{"table", s.table}, {"time_zone", s.timeZone}, {"session_prefix", s.sessionPrefix}} {
		if option.value != "" {
			rawURL = storeurl.WithOption(rawURL, option.name, option.value)
		}
	}
	return rawURL, nil
}

// relative resolves a relative path in a URL against the configuration's folder.
func (c *config) relative(rawURL string) string {
	return storeurl.Resolve(rawURL, filepath.Dir(c.file))
}

// fromPlace returns a hint at the flag, variable or file that names the store.
func fromPlace(namedBy string) string { return "the store is the one named by " + namedBy }

// site is an open store with the settings of its site.
type site struct {
	storeurl.Store
	settings *djsession.Settings
	config   *config
	isCache  bool // the engine is cache
	namedBy  string
	address  string // see place.address
}

// withStore opens the store, calls f and closes the store. SIGINT and SIGTERM end f's context.
func (a *app) withStore(cmd *cobra.Command, f func(ctx context.Context, s *site) error) error {
	c, err := a.readConfig()
	if err != nil {
		return err
	}
	place, err := a.storePlace(c)
	if err != nil {
		return err
	}
	s, err := a.openSite(c, place, a.flags.readOnly)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, stop := untilInterrupted(cmd)
	defer stop()
	err = f(ctx, s)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return unreachable(err, place.namedBy)
}

// untilInterrupted returns a context that ends with SIGINT or SIGTERM.
func untilInterrupted(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process
	return ctx, stop
}

// unreachable adds a hint to an error of a connection.
func unreachable(err error, namedBy string) error {
	if errors.As(err, new(*configError)) {
		return err // the server was not asked
	}
	var operation *net.OpError
	var lookup *net.DNSError
	if errors.As(err, &operation) || errors.As(err, &lookup) || errors.Is(err, context.DeadlineExceeded) {
		return &hinted{err, "is the server up, and are host and port right? " + fromPlace(namedBy)}
	}
	return err
}

// openSite opens a store with its settings.
func (a *app) openSite(c *config, place place, readOnly bool) (*site, error) {
	a.storeNamedBy = place.namedBy
	if err := place.check(); err != nil { // before the SECRET_KEY, which a cache does not need
		return nil, openError(err, place.namedBy)
	}
	c = c.withSettings(place.own)
	settings, err := a.settings(c, place.isUnsigned())
	if err != nil {
		return nil, err
	}
	settings.AcceptNewKey = a.flags.acceptNewKey
	settings.ReadBothForms = a.flags.fromDjango != ""
	a.warnOfDefaultZone(c, place, settings)
	store, err := place.open(settings, readOnly)
	if err != nil {
		return nil, openError(err, place.namedBy)
	}
	return &site{store, settings, c, place.isUnsigned(), place.namedBy, place.address()}, nil
}

// address returns what tells a store from others: its URLs, without passwords and relative paths.
func (p place) address() string {
	folder, err := os.Getwd()
	if err != nil {
		folder = "."
	}
	plain := func(rawURL string) string { return storeurl.WithoutPassword(storeurl.Resolve(rawURL, folder)) }
	return plain(p.url) + " " + plain(p.cache)
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
		return storeurl.OpenCachedDBReadOnly(p.cache, p.url, settings, p.options...)
	case p.cache != "":
		return storeurl.OpenCachedDB(p.cache, p.url, settings, p.options...)
	case readOnly:
		return storeurl.OpenReadOnly(p.url, settings, p.options...)
	}
	return storeurl.Open(p.url, settings, p.options...)
}

// openError makes an error about a URL a configError, unless a file is missing.
func openError(err error, namedBy string) error {
	if path := (*fs.PathError)(nil); errors.Is(err, fs.ErrNotExist) || errors.As(err, &path) {
		return err
	}
	return &hinted{&configError{err}, fromPlace(namedBy)}
}

// withWriter calls withStore for a command that writes.
func (a *app) withWriter(cmd *cobra.Command, f func(ctx context.Context, s *site) error) error {
	if err := a.mayWrite(cmd); err != nil {
		return err
	}
	return a.withStore(cmd, func(ctx context.Context, s *site) error {
		err := f(ctx, s)
		if err == nil {
			s.warnOfFindings(ctx, a)
		}
		return err
	})
}

// mayWrite returns an error if --read-only refuses the command.
func (a *app) mayWrite(cmd *cobra.Command) error {
	if a.flags.readOnly {
		return configf("--read-only refuses %q, which writes", cmd.Name())
	}
	return nil
}

// warnOfFindings prints what the store's own check finds after a write: columns that the write left
// as they were, or a cache that Django does not read.
func (s *site) warnOfFindings(ctx context.Context, a *app) {
	checker, ok := s.Store.(djsession.Checker)
	if !ok {
		return
	}
	for _, err := range checker.Check(ctx) {
		a.complain("warning: %s", message(err))
		a.advise(storeHint(err))
	}
}

// scanner returns the store as a djsession.Scanner.
func (s *site) scanner() (djsession.Scanner, error) {
	if scanner, ok := s.Store.(djsession.Scanner); ok {
		return scanner, nil
	}
	return nil, fmt.Errorf("%s: this engine cannot list its sessions: %w", s, errors.ErrUnsupported)
}

// expires returns the time at which a session expires. Some stores return it only by another
// call. It is the zero Time if the store does not return it.
func (s *site) expires(ctx context.Context, r *djsession.Record) (time.Time, error) {
	reader, ok := s.Store.(djsession.ExpiryReader)
	if !r.Expires.IsZero() || !ok {
		return r.Expires, nil
	}
	expires, err := reader.Expires(ctx, r.Key)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return time.Time{}, nil
	case err == nil && expires.IsZero():
		return djsession.Never, nil
	}
	return expires, err
}

// acceptNewKeyFlag adds --accept-new-key to a command that signs sessions.
func (a *app) acceptNewKeyFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.flags.acceptNewKey, "accept-new-key", false,
		"write even if the newest sessions were signed with a fallback key: for a site that has just changed its SECRET_KEY")
}
