// Package filestore keeps sessions in a folder, a file each, as Django's engine file does.
//
//	store, err := filestore.New(filestore.Config{Dir: "/var/lib/site/sessions", Settings: settings})
//	record, err := store.Load(ctx, key)
//
// Dir is the site's SESSION_FILE_PATH. Settings.SessionCookieName must be its
// SESSION_COOKIE_NAME, since every file's name begins with it. If the site does not set
// SESSION_FILE_PATH, both use the system's folder for temporary files. Set Dir if services
// have such a folder each (systemd's PrivateTmp).
//
// Run the program as the user that the site runs as: Django's files are for that user only.
// If root runs it, new files belong to the owner of the other sessions, or of the folder if there
// are none. If any other user runs it, and the site could not use the written file, the error is
// an ErrReadOnly that says so. Windows is not supported.
//
// # Beside a live Django
//
// On Linux a write never overwrites what Django or another Go process wrote meanwhile, and a
// session that was deleted stays deleted. There is no lock file: the new file is exchanged with
// the old one. No program can open the new file before it is certain that no other write came in
// between. Package internal/swapfile describes the method and its limits.
//
// On other systems and on network file systems (NFS, CIFS) the old file is compared, and the new
// file is then renamed over it. A write in the microseconds in between is lost. Django itself
// compares nothing on any system: a Django request that overlaps with a Go write saves the whole
// session as it read it.
//
// # A folder that everybody may write to
//
// /tmp is such a folder, and Django's default. Every user who can list it knows the keys of
// all sessions, since the files are named after them. So set SESSION_FILE_PATH to a folder
// of the site's own. In a folder that everybody may write to, a Store does the following:
//
//   - New files belong to this process's user, even to root, and no other user may read them:
//     nothing in the folder shows which user runs the site. So root can only read and delete
//     the site's sessions there. Run as the site's user.
//   - A file that belongs neither to this process's user nor to root nor to the folder's
//     owner is not replaced: the error is an ErrReadOnly, since the file's owner could read
//     the new content.
//   - Such a file is read, as Django reads it, because its content is signed. If it is
//     empty, it has no signature, and the error is a *djsession.PayloadError.
//
// The owner of a file can take a lease on it, which keeps others from opening the file for up
// to 45 seconds. A call waits for the end of the lease no longer than its context allows.
//
// # Expiry
//
// A session ends as it does for Django, which looks only at the file:
//
//   - Without a _session_expiry, or with 0 (until the browser closes), it ends
//     SESSION_COOKIE_AGE after the file was last written.
//   - With a positive number of seconds it never ends, since Django reads the number as the
//     time that is left. Only the visitor's cookie ends. Record.Expires is
//     [djsession.Never]. With a negative number it has ended, and Record.Expires is in the
//     past.
//   - With an instant it ends at that instant. Before Django 4.1 JSON has no instants: then
//     the error is a *djsession.PayloadError and an ErrInvalidExpiry, as for any other value
//     that makes Django's page fail.
//
// A session with less than a second left has ended. The argument expires of Create and Replace
// becomes the file's time if the values have no _session_expiry. Otherwise it has no effect.
// Record.Expires is the result.
//
// An empty file is a session that Django is about to write. Django reads it as a session without
// values that never ends, and so does Load.
//
// An expired session is not loaded, and its file stays until Django's clearsessions removes
// it. Django's own load would remove it at once.
//
// # Errors
//
// All errors are *djsession.OpError, and hold the errors that djsession.Store describes. If the
// folder is gone, the error is not an ErrNotFound: it is not known whether the session exists.
package filestore

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/storefolder"
	"github.com/djsess/djsess/internal/swapfile"
)

// Config describes the folder.
type Config struct {
	// Dir is SESSION_FILE_PATH, which must exist. Default: that of Python's
	// tempfile.gettempdir(), which is $TMPDIR, $TEMP, $TMP or /tmp.
	Dir string
	// Settings are the site's.
	Settings *djsession.Settings
	// Prefix is the beginning of the files' names. Default: SessionCookieName.
	Prefix string
	// ReadOnly refuses all writes with an ErrReadOnly.
	ReadOnly bool
}

// Store is a djsession.Store, djsession.Scanner and djsession.UnchangedDeleter
// over the folder. It is safe for use by several goroutines, and several
// processes may have one each.
type Store struct {
	folder   *storefolder.Folder
	prefix   string
	readOnly bool
	settings func() *djsession.Settings // a func, so that fmt prints no secrets
	codec    djsession.Codec
	loc      *time.Location // of Django's wall clock; nil with USE_TZ on
}

var (
	_ djsession.Store            = (*Store)(nil)
	_ djsession.Scanner          = (*Store)(nil)
	_ djsession.UnchangedDeleter = (*Store)(nil)
	_ djsession.ExpiredClearer   = (*Store)(nil)
	_ djsession.Examiner         = (*Store)(nil)
	_ djsession.Reopener         = (*Store)(nil)
	_ djsession.Sizer            = (*Store)(nil)
)

// New returns a store over a folder. As in Django, a folder that does not exist is an error.
func New(c Config) (*Store, error) {
	if c.Settings == nil {
		return nil, errors.New("filestore: Settings are missing")
	}
	settings := *c.Settings // copy: later changes by the caller must not apply
	s := &Store{settings: func() *djsession.Settings { return &settings }, prefix: c.Prefix, readOnly: c.ReadOnly}
	var err error
	if s.codec, err = djsession.NewCodec(&settings); err != nil {
		return nil, err
	}
	if !settings.UseTZ {
		if s.loc, err = settings.Location(); err != nil {
			return nil, err
		}
	}
	if s.prefix == "" {
		s.prefix = settings.SessionCookieName
	}
	if err := checkPrefix(s.prefix); err != nil {
		return nil, err
	}
	if c.Dir == "" {
		c.Dir = tempDir()
	}
	s.folder, err = storefolder.New(storefolder.Config{
		Dir: c.Dir, Setting: "SESSION_FILE_PATH", MaxSize: settings.MaxStoredSize(),
		Package: "filestore", ShortKey: djsession.ShortKey,
		IsOurs:   func(name string) bool { _, ok := s.keyOf(name); return ok },
		Conflict: s.conflict,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Settings returns a copy of the settings that the store was made with.
func (s *Store) Settings() *djsession.Settings {
	settings := *s.settings()
	return &settings
}

// checkPrefix returns an error for a prefix with a slash, or one that leaves no room in a file's
// name for the longest key and the suffix of a temporary file.
func checkPrefix(prefix string) error {
	const longest = 255 - longestKey - swapfile.TemporaryLength
	switch {
	case len(prefix) > longest:
		return fmt.Errorf("filestore: file names that begin with %d characters are too long: want %d or less", len(prefix), longest)
	case strings.ContainsAny(prefix, `/\`) || strings.IndexByte(prefix, 0) >= 0:
		return errors.New("filestore: a file's name cannot hold a slash")
	}
	return nil
}

// tempDir returns the folder of Python's tempfile.gettempdir(), which differs from
// os.TempDir().
func tempDir() string {
	candidates := []string{os.Getenv("TMPDIR"), os.Getenv("TEMP"), os.Getenv("TMP"), "/tmp", "/var/tmp", "/usr/tmp"}
	for _, dir := range candidates {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return "."
}

// Close does nothing, since no file stays open.
func (s *Store) Close() error { return nil }

// Dir returns the folder.
func (s *Store) Dir() string { return s.folder.Path }

// String returns Django's name of the engine, and the folder.
func (s *Store) String() string { return "file (" + s.folder.Path + ")" }

// longestKey is the longest key that ValidateKey takes.
const longestKey = 40

// fileName returns the name of a key's file. As in Django's file engine, a key may have only the
// characters a-z and 0-9.
func (s *Store) fileName(key string) (string, error) {
	if err := djsession.ValidateKey(key); err != nil {
		return "", err
	}
	if !isKey(key) {
		return "", fmt.Errorf("%w: the file engine's keys are of a-z and 0-9", djsession.ErrInvalidKey)
	}
	return s.prefix + key, nil
}

// keyOf returns the key of a session's file. Temporary files have none.
func (s *Store) keyOf(name string) (key string, ok bool) {
	key, ok = strings.CutPrefix(name, s.prefix)
	return key, ok && isKey(key) && djsession.ValidateKey(key) == nil
}

// isKey reports whether all characters are in Django's VALID_KEY_CHARS.
func isKey(text string) bool {
	for _, c := range []byte(text) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
			return false
		}
	}
	return true
}
