package filestore

import (
	"context"

	"github.com/djsess/djsess/djsession"
)

// Size returns how many files the folder has, and their bytes. In a folder of more than 100,000
// files neither is known.
func (s *Store) Size(ctx context.Context) (djsession.StoreSize, error) { return s.folder.Size(ctx) }
