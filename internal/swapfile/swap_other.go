//go:build !linux

package swapfile

import (
	"context"
	"errors"
)

func (t *temporary) startWriteback() {}

func swap(context.Context, Folder, string, *temporary, *opened) error { return errors.ErrUnsupported }

func renameNoReplace(from, to string) error { return errors.ErrUnsupported }
