package filestore

import (
	"context"

	"github.com/djsess/djsess/djsession"
)

// Examine checks the folder: see djsession.Examiner.
func (s *Store) Examine(context.Context) []djsession.CheckResult {
	return []djsession.CheckResult{s.folder.Examine()}
}

// Reopen returns a store over the same folder: see djsession.Reopener.
func (s *Store) Reopen(settings *djsession.Settings) (djsession.Store, error) {
	return New(Config{Dir: s.folder.Path, Settings: settings, Prefix: s.prefix, ReadOnly: s.readOnly})
}
