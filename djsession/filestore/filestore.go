// Package filestore keeps sessions in a folder, a file each, as Django's engine
// file does.
//
//	store, err := filestore.New(filestore.Config{Dir: "/var/lib/site/sessions", Settings: settings})
//	record, err := store.Load(ctx, key)
//
// Dir is the site's SESSION_FILE_PATH, and Settings.SessionCookieName must be its
// SESSION_COOKIE_NAME: every file's name begins with it. Where the site does not
// set SESSION_FILE_PATH, both use the system's folder for temporary files: say
// Dir where services have one of their own each (systemd's PrivateTmp).
//
// # Beside a live Django
//
// On Linux what Django writes is never lost to a write of ours, nor is what another
// Go process writes, and a session that was deleted stays deleted. It takes no
// lock file: the new file is exchanged with the old one, and nobody can open it
// before it is known that nothing came in between. On other systems and on
// network file systems (NFS, CIFS) the file is compared and then renamed over,
// and a write that falls in the few microseconds between is lost. Django itself
// takes no care anywhere: a request that overlaps with ours saves the session as
// it read it. (Package internal/swapfile says how it works, and what remains.)
// Windows is not supported.
//
// Run the program as the user that the site runs as. Django's files are for that
// user only. Root's files are given to that user: to the owner of the other
// sessions, or else of the folder. Another user who may write but could not leave
// a file that the site can use gets an ErrReadOnly that says so.
//
// # A folder that everybody may write to
//
// /tmp is such a folder, and Django's default. Every user who can list it knows the keys of
// all sessions, since the files are named after them. So set SESSION_FILE_PATH to a folder
// of the site's own. In a folder that everybody may write to, a Store does the following:
//
//   - New files belong to this process's user, and no other user may read them. That goes
//     for root, too, since nothing in the folder shows which user runs the site. So root
//     can only read and delete the site's sessions there: run as the site's user.
//   - A file that belongs neither to this process's user nor to root nor to the folder's
//     owner is not replaced: that is an ErrReadOnly, since its owner could read what is
//     put there.
//   - Such a file is read, as Django reads it, because its content is signed. If it is
//     empty, it has no signature and is a *PayloadError.
//
// The owner of a file can take a lease on it, which keeps others from opening it for up to
// 45 seconds. A call waits for that no longer than its context allows.
//
// # Expiry
//
// A session ends as it does for Django, which looks at nothing but the file:
//
//   - without a _session_expiry (or 0: until the browser closes) it ends
//     SESSION_COOKIE_AGE after the file was last written
//   - a number of seconds means that it never ends here: Django takes the number
//     itself for the time that is left. Only the visitor's cookie ends. A
//     negative one is over. Record.Expires is then Never, or in the past
//   - an instant is when it ends; before Django 4.1 there is no such thing in
//     JSON, and the session is a *PayloadError that is an ErrInvalidExpiry, as
//     is any other value that takes Django's page down
//
// Either way a session with less than a second left is over. The expiry that
// Create and Replace are given is kept as the file's time where that is what
// counts, and otherwise has no place to be: Record.Expires tells what came of it.
//
// An empty file is a session being born: Django makes it before it writes, and
// takes it for a session without values that never ends. So does Load.
//
// An expired session is not loaded, and its file stays: Django's clearsessions
// removes it. Django's own load would remove it at once.
package filestore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/swapfile"
)

// Config says where the files are.
type Config struct {
	// Dir is SESSION_FILE_PATH, which must be there. Default: what Python's
	// tempfile.gettempdir() says, by $TMPDIR, $TEMP or $TMP, or /tmp.
	Dir string
	// Settings are the site's.
	Settings *djsession.Settings
	// Prefix is what the files' names begin with. Default: SessionCookieName.
	Prefix string
	// ReadOnly refuses whatever would write.
	ReadOnly bool
}

// Store is a djsession.Store, djsession.Scanner and djsession.UnchangedDeleter
// over the folder. It is safe for use by several goroutines, and several
// processes may have one each.
type Store struct {
	folder   swapfile.Folder
	prefix   string
	readOnly bool
	settings func() *djsession.Settings // of a func, fmt prints no secrets
	codec    djsession.Codec
	owner    swapfile.Neighbour
	loc      *time.Location // of the wall clock that Django counts on; nil with USE_TZ on
}

var (
	_ djsession.Store            = (*Store)(nil)
	_ djsession.Scanner          = (*Store)(nil)
	_ djsession.UnchangedDeleter = (*Store)(nil)
)

// New returns a store over a folder. As in Django a folder that is not there is
// an error.
func New(c Config) (*Store, error) {
	if c.Settings == nil {
		return nil, errors.New("filestore: Settings are missing")
	}
	if runtime.GOOS == "windows" {
		return nil, errors.New("filestore: Windows, which renames no open file, is not supported")
	}
	settings := *c.Settings // later changes by the caller must not apply
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
	dir := c.Dir
	if dir == "" {
		dir = tempDir()
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	s.folder = swapfile.Folder{Path: dir, MaxSize: settings.MaxStoredSize()}
	if err := s.checkFolder(); err != nil {
		return nil, fmt.Errorf("filestore: SESSION_FILE_PATH: %w", err)
	}
	return s, nil
}

// Settings returns a copy of the settings that the store was made with.
func (s *Store) Settings() *djsession.Settings {
	settings := *s.settings()
	return &settings
}

// checkFolder tells a folder that is gone from a session that is.
func (s *Store) checkFolder() error {
	info, err := os.Stat(s.folder.Path)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", s.folder.Path)
	}
	return nil
}

// checkPrefix leaves room for the longest key and a temporary file.
func checkPrefix(prefix string) error {
	const longest = 255 - longestKey - swapfile.TemporaryLength
	switch {
	case len(prefix) > longest:
		return fmt.Errorf("filestore: file names that begin with %d characters are too long: want %d or less", len(prefix), longest)
	case strings.ContainsAny(prefix, `/\`) || strings.IndexByte(prefix, 0) >= 0:
		return errors.New("filestore: a file's name cannot begin with what holds a slash")
	}
	return nil
}

// tempDir is Python's tempfile.gettempdir(), which is not os.TempDir().
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

// Close does nothing: no file stays open.
func (s *Store) Close() error { return nil }

// Dir tells which folder the store is on.
func (s *Store) Dir() string { return s.folder.Path }

// String is Django's name of the engine, and what it is on.
func (s *Store) String() string { return "file (" + s.folder.Path + ")" }
