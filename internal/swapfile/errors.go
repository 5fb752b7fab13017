package swapfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ChangedError is a file that is no longer the one that was read. It was left as it is.
type ChangedError struct {
	Current *File
}

func (e *ChangedError) Error() string { return "file was changed meanwhile" }

// TooLargeError is a file over Folder.MaxSize.
type TooLargeError struct {
	Size int64
}

func (e *TooLargeError) Error() string { return fmt.Sprintf("file of %d bytes", e.Size) }

// ErrNotRegular is a symbolic link, a folder, a pipe, …, which Django did not write.
var ErrNotRegular = errors.New("not a regular file")

// ErrUnknown is the error of a Replace that failed after it had begun to exchange the files:
// the file may have been replaced or not.
var ErrUnknown = errors.New("the file may have been replaced or not")

// OwnerError is a file that belongs to another user. That user could not use the file that
// would be put in its place or, if it is a stranger, must not read it.
type OwnerError struct {
	UID int
	// Stranger is as in File.
	Stranger bool
}

func (e *OwnerError) Error() string {
	if e.Stranger {
		return fmt.Sprintf("the file is user %d's, who could read what we put in its place, and everybody may write to the folder", e.UID)
	}
	return fmt.Sprintf("the file is user %d's, who could not read or write ours in its place", e.UID)
}

// Hint returns what to do about it.
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
