package signing

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// DefaultMaxSize is what Options.MaxSize is when it is zero: 32 MiB.
const DefaultMaxSize = 32 << 20

// NoMaxAge is the max age that nothing exceeds: Python's max_age=None.
const NoMaxAge = time.Duration(1<<63 - 1)

// Options say how texts are signed. Each field's zero value is Django's
// default, but for SecretKey, which is needed.
type Options struct {
	// SecretKey is SECRET_KEY, text or bytes.
	SecretKey string
	// SecretKeyFallbacks is SECRET_KEY_FALLBACKS: keys that still open what
	// they signed, and sign nothing.
	SecretKeyFallbacks []string

	// Salt keeps signatures for one purpose from being good for another.
	// Empty is the class's own: "django.core.signing.Signer" or
	// "django.core.signing.TimestampSigner", and "django.core.signing" for
	// Dumps and Loads.
	Salt string
	// Sep stands between the value, the timestamp and the signature. Empty is
	// ":". One of A-z0-9-_= alone is refused, as Django refuses it.
	Sep string
	// Algorithm signs. Empty is SHA256; Django before 3.1 used SHA1.
	Algorithm Algorithm
	// LegacyAlgorithm is accepted as well when a signature is checked. Empty
	// is none; Django 3.1 and 3.2 have SHA1 here.
	LegacyAlgorithm Algorithm

	// MaxSize is how many bytes an object may have once decoded and inflated.
	// Zero is DefaultMaxSize.
	MaxSize int
	// Now is the clock. Nil is time.Now.
	Now func() time.Time
}

// ErrNoSecretKey is a SecretKey left empty, which Django refuses too.
var ErrNoSecretKey = errors.New("signing: the SECRET_KEY is empty")

// unsafeSep is the part of ASCII that Django does not let a separator consist
// of: base64's own characters, and with Python's range A-z a few more.
func unsafeSep(r rune) bool {
	return r >= 'A' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '='
}

// keyring is what both signers are made of: the keys, and how texts are cut.
type keyring struct {
	sep     string
	keys    []ringKey // in the order they are tried; the first one signs
	maxSize int
	now     func() time.Time
}

type ringKey struct {
	*macKey
	index int // as in Origin.Key
}

func newKeyring(o Options, defaultSalt string) (*keyring, error) {
	if o.SecretKey == "" {
		return nil, ErrNoSecretKey
	}
	r := &keyring{sep: o.Sep, maxSize: o.MaxSize, now: o.Now}
	if r.sep == "" {
		r.sep = ":"
	}
	// Python's $ also matches before a line end that comes last.
	if strings.TrimLeftFunc(strings.TrimSuffix(r.sep, "\n"), unsafeSep) == "" {
		return nil, fmt.Errorf("signing: unsafe separator %q: it cannot consist of only A-z0-9-_=", o.Sep)
	}
	if r.maxSize == 0 {
		r.maxSize = DefaultMaxSize
	}
	if r.now == nil {
		r.now = time.Now
	}
	salt := o.Salt
	if salt == "" {
		salt = defaultSalt
	}
	algorithms := []Algorithm{o.Algorithm}
	if o.Algorithm == "" {
		algorithms[0] = SHA256
	}
	if o.LegacyAlgorithm != "" && o.LegacyAlgorithm != algorithms[0] {
		algorithms = append(algorithms, o.LegacyAlgorithm)
	}
	for i, secret := range append([]string{o.SecretKey}, o.SecretKeyFallbacks...) {
		if secret == "" {
			continue // anybody could sign with it; Django takes SECRET_KEY instead
		}
		for _, a := range algorithms {
			k, err := newMACKey(salt+"signer", secret, a)
			if err != nil {
				return nil, err
			}
			r.keys = append(r.keys, ringKey{k, i})
		}
	}
	return r, nil
}
