package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cookiestore"
	"github.com/djsess/djsess/djsession/storeurl"
)

// siteConfig holds the current Django settings of the test.
type siteConfig struct {
	URL      string `json:"url"`       // of the store; empty for signed_cookies
	CacheURL string `json:"cache_url"` // of the cache, for cached_db

	DjangoVersion      string   `json:"django_version"`
	SecretKey          []byte   `json:"secret_key"`
	SecretKeyFallbacks [][]byte `json:"secret_key_fallbacks"`
	CookieAge          float64  `json:"cookie_age"` // in seconds
	CookieName         string   `json:"cookie_name"`
	BrowserClose       bool     `json:"browser_close"`
	StoreClass         string   `json:"store_class"`
	UseTZ              bool     `json:"use_tz"`
	TimeZone           string   `json:"time_zone"`
}

// site is an open store, with the objects that read and write its sessions.
type site struct {
	settings *djsession.Settings
	store    djsession.Store
	manager  *djsession.Manager
	codec    djsession.Codec
}

// site returns the site of a siteConfig. It opens each site once.
func (s *server) site(config json.RawMessage) (*site, error) {
	t, ok := s.sites[string(config)]
	if ok {
		return t, nil
	}
	var c siteConfig
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	t, err := openSite(c, func() time.Time { return s.now })
	if err == nil {
		s.sites[string(config)] = t
	}
	return t, err
}

func openSite(c siteConfig, now func() time.Time) (*site, error) {
	settings, err := c.settings(now)
	if err != nil {
		return nil, err
	}
	t := &site{settings: settings}
	if t.codec, err = djsession.NewCodec(settings); err != nil {
		return nil, err
	}
	switch {
	case c.URL == "":
		t.store, err = cookiestore.New(settings)
	case c.CacheURL != "":
		t.store, err = storeurl.OpenCachedDB(c.CacheURL, c.URL, settings)
	default:
		t.store, err = storeurl.Open(c.URL, settings)
	}
	if err != nil {
		return nil, err
	}
	if t.manager, err = djsession.NewManager(t.store); err != nil {
		return nil, err
	}
	t.manager.AcceptEmptyStore = true // each test begins with an empty store
	t.manager.Observer = func(context.Context, djsession.Event) {}
	return t, nil
}

func (c *siteConfig) settings(now func() time.Time) (*djsession.Settings, error) {
	s, err := djsession.NewSettings(c.DjangoVersion, string(c.SecretKey))
	if err != nil {
		return nil, err
	}
	s.SecretKeyFallbacks = texts(c.SecretKeyFallbacks)
	s.SessionCookieAge = time.Duration(c.CookieAge * float64(time.Second))
	s.SessionCookieName = c.CookieName
	s.SessionExpireAtBrowserClose = c.BrowserClose
	s.SessionStoreClass = c.StoreClass
	s.UseTZ, s.TimeZone = c.UseTZ, c.TimeZone
	s.AcceptNewKey = true // tests of fallback keys let Django sign nothing with the new key
	s.Now = now
	return s, s.Validate()
}

func texts(keys [][]byte) []string {
	var texts []string
	for _, key := range keys {
		texts = append(texts, string(key))
	}
	return texts
}

// siteOps are the ops that need no session.
var siteOps = map[string]func(ctx context.Context, t *site, r *request) (any, error){
	"open":          func(context.Context, *site, *request) (any, error) { return nil, nil },
	"exists":        exists,
	"encode":        encode,
	"decode":        decode,
	"clear_expired": clearExpired,
}

// exists loads the session, since a Store has no other way to report whether a session exists. A
// session that cannot be trusted exists. If keys hold their sessions, exists returns false, as
// Django does.
func exists(ctx context.Context, t *site, r *request) (any, error) {
	if t.keyIsSession() {
		return false, nil
	}
	_, err := t.store.Load(ctx, r.Key)
	switch {
	case err == nil, errors.As(err, new(*djsession.PayloadError)):
		return true, nil
	case errors.Is(err, djsession.ErrNotFound):
		return false, nil
	}
	return false, err
}

func (t *site) keyIsSession() bool {
	s, ok := t.store.(djsession.SelfContained)
	return ok && s.KeyIsSession()
}

func encode(_ context.Context, t *site, r *request) (any, error) {
	v := new(djsession.Values)
	if err := v.UnmarshalJSON(r.Value); err != nil {
		return nil, err
	}
	payload, err := t.codec.Append(nil, v)
	return string(payload), err
}

func decode(_ context.Context, t *site, r *request) (any, error) {
	v, _, err := t.codec.Decode([]byte(r.Payload))
	return v, err
}

// clearExpired deletes each expired session, unless the session is saved at that moment. If the
// store cannot be enumerated, it deletes nothing, as in Django.
func clearExpired(ctx context.Context, t *site, _ *request) (any, error) {
	scanner, ok := t.store.(djsession.Scanner)
	if !ok {
		return nil, nil
	}
	for record, err := range scanner.Scan(ctx, djsession.Range{Expired: true}) {
		switch {
		case errors.As(err, new(*djsession.PayloadError)):
			continue
		case errors.Is(err, errors.ErrUnsupported):
			return nil, nil
		case err != nil:
			return nil, err
		case record.Expires.After(t.settings.Now()):
			continue
		}
		err := t.deleteUnchanged(ctx, record)
		if err != nil && !errors.Is(err, djsession.ErrNotFound) && !errors.Is(err, djsession.ErrConflict) {
			return nil, err
		}
	}
	return nil, nil
}

func (t *site) deleteUnchanged(ctx context.Context, record *djsession.Record) error {
	if d, ok := t.store.(djsession.UnchangedDeleter); ok {
		return d.DeleteUnchanged(ctx, record)
	}
	return t.store.Delete(ctx, record.Key)
}
