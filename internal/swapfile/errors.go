package swapfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ChangedError means that the file is no longer the version that was read. It was not changed.
type ChangedError struct {
	Current *File
}

func (e *ChangedError) Error() string { return "file was changed meanwhile" }

// TooLargeError is a file over Folder.MaxSize.
type TooLargeError struct {
	Size int64
}

func (e *TooLargeError) Error() string { return fmt.Sprintf("file of %d bytes", e.Size) }

// ErrNotRegular means that the name is a symbolic link, a folder, a pipe or the like, which
// Django does not write.
var ErrNotRegular = errors.New("not a regular file")

// ErrUnknown is the error of a Replace that failed after it had begun to exchange the files:
// the file may have been replaced or not.
var ErrUnknown = errors.New("the file may have been replaced or not")

// OwnerError means that a file belongs to another user, who could not use a new file in its
// place. If that user is a stranger, they must not be able to read the new file.
type OwnerError struct {
	UID int
	// Stranger is as in File.
	Stranger bool
}

func (e *OwnerError) Error() string {
	if e.Stranger {
		return fmt.Sprintf("the file belongs to user %d, who could read a new file in its place, and everybody may write to the folder", e.UID)
	}
	return fmt.Sprintf("the file belongs to user %d, who could not read or write a new file in its place", e.UID)
}

// Hint returns a remedy.
func (e *OwnerError) Hint() string {
	if e.Stranger {
		return "run as that user, or keep the sessions in a folder of the site's own"
	}
	return "run as that user"
}

// pathless returns an error without the path in its text.
func pathless(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return fmt.Errorf("%s: %w", path.Op, path.Err)
	case errors.As(err, &link):
		return fmt.Errorf("%s: %w", link.Op, link.Err)
	}
	return err
}
