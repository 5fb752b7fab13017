package signing

import (
	"errors"
	"fmt"

	"github.com/djsess/djsess/internal/inflate"
)

var (
	// ErrBadSignature is Django's BadSignature: the text was not signed with
	// this key, salt and algorithm, or was changed since.
	ErrBadSignature = errors.New("bad signature")

	// ErrSignatureExpired is Django's SignatureExpired: signed properly, but
	// longer ago than the max age. It is an ErrBadSignature to errors.Is.
	ErrSignatureExpired = fmt.Errorf("signature expired: %w", errExpired{})

	// ErrMalformed is a text that is signed properly and cannot be read all
	// the same: no timestamp, base64 or zlib that Python would refuse.
	ErrMalformed = errors.New("malformed")

	// ErrTooLarge is a text that would decode to more than Options.MaxSize.
	ErrTooLarge = inflate.ErrTooLarge
)

// errExpired lets ErrSignatureExpired be an ErrBadSignature without carrying
// that error's text.
type errExpired struct{}

func (errExpired) Error() string        { return "older than its max age" }
func (errExpired) Is(target error) bool { return target == ErrBadSignature }
