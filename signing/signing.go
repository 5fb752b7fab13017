// Package signing is django.core.signing in Go: it makes and opens the signed texts that Django
// makes and opens, byte for byte.
//
//   - [Signer] and [TimestampSigner] are Django's classes of the same names.
//   - [Dumps] and [Loads] sign and open a value as JSON, compressed if that is asked for.
//     [TimestampSigner.AppendObject] and [TimestampSigner.OpenObject] do the same for bytes that
//     are serialized already. A session's payload is such an object.
//   - [CookieSigner] is response.set_signed_cookie and request.get_signed_cookie.
//   - [SaltedHMAC] is django.utils.crypto.salted_hmac.
//
// Start with [Options]. A signer needs the SECRET_KEY and nothing else:
//
//	signer, err := signing.NewTimestampSigner(signing.Options{SecretKey: key})
//	token := signer.Sign("alice")
//	name, origin, err := signer.Unsign(token, time.Hour)
//
// A text with a bad signature is an [ErrBadSignature]. A text that is too old is an
// [ErrSignatureExpired], which errors.Is also takes for an [ErrBadSignature], as SignatureExpired
// is a BadSignature in Django. A text with a good signature that cannot be read is an
// [ErrMalformed] or an [ErrTooLarge].
//
// Signing keeps nothing secret: everybody who has the text can read the value.
package signing

import (
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/internal/inflate"
	"github.com/djsess/djsess/internal/secret"
)

// DefaultMaxSize is the default of Options.MaxSize: 32 MiB.
const DefaultMaxSize = 32 << 20

// NoMaxAge sets no limit to the age of a text: Python's max_age=None.
const NoMaxAge = time.Duration(1<<63 - 1)

// Options say how texts are signed. SecretKey is required. The zero value of each other field
// is Django's default.
type Options struct {
	// SecretKey is SECRET_KEY, text or bytes.
	SecretKey string
	// SecretKeyFallbacks is SECRET_KEY_FALLBACKS: keys that are tried when a text is opened,
	// and never sign.
	SecretKeyFallbacks []string

	// Salt separates purposes: a signature for one is not valid for another. Default: the
	// salt of the class, "django.core.signing.Signer" or
	// "django.core.signing.TimestampSigner"; "django.core.signing" for Dumps and Loads.
	Salt string
	// Sep separates the value, the timestamp and the signature. Default: ":". Django refuses
	// a separator of nothing but A-z0-9-_=, and so does NewSigner.
	Sep string
	// Algorithm signs. Default: SHA256. Django before 3.1 used SHA1.
	Algorithm Algorithm
	// LegacyAlgorithm is accepted as well when a signature is verified. Default: none. Django
	// 3.1 and 3.2 have SHA1 here.
	LegacyAlgorithm Algorithm

	// MaxSize bounds, in bytes, what an object decodes and inflates to. Default:
	// DefaultMaxSize.
	MaxSize int
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// ErrNoSecretKey is an empty SecretKey, which Django refuses too.
var ErrNoSecretKey = errors.New("signing: the SECRET_KEY is empty")

// String returns the options without their keys.
func (o Options) String() string {
	return fmt.Sprintf("signing.Options{Salt: %q, Sep: %q, Algorithm: %q, %d keys}", o.Salt, o.Sep, o.Algorithm, 1+len(o.SecretKeyFallbacks))
}

// Format prints String for every verb.
func (o Options) Format(f fmt.State, verb rune) { secret.Format(f, verb, o) }

// MarshalText returns String, so JSON has no keys either.
func (o Options) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Origin says how a text was signed.
type Origin struct {
	// Key is 0 for SecretKey, and i for the i-th of SecretKeyFallbacks, counted from 1.
	Key int
	// Algorithm made the signature.
	Algorithm Algorithm
	// SignedAt is the time of the signature, in whole seconds. It is zero from a Signer, which
	// does not sign the time.
	SignedAt time.Time
	// Compressed reports whether an object was deflated.
	Compressed bool
}

var (
	// ErrBadSignature is Django's BadSignature: the text was signed with another key, salt or
	// algorithm, or was changed since.
	ErrBadSignature = errors.New("bad signature")

	// ErrSignatureExpired is Django's SignatureExpired: the signature is good, but older than
	// the max age. It is an ErrBadSignature to errors.Is.
	ErrSignatureExpired = fmt.Errorf("signature expired: %w", errExpired{})

	// ErrMalformed is a text with a good signature that cannot be read: it has no timestamp,
	// or base64 or zlib that Python refuses.
	ErrMalformed = errors.New("malformed")

	// ErrTooLarge is an object of more than Options.MaxSize bytes.
	ErrTooLarge = inflate.ErrTooLarge
)

// errExpired makes ErrSignatureExpired an ErrBadSignature without the text of that error.
type errExpired struct{}

func (errExpired) Error() string        { return "older than its max age" }
func (errExpired) Is(target error) bool { return target == ErrBadSignature }
