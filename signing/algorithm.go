package signing

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
)

// Algorithm is a hash by the name Python's hashlib gives it.
type Algorithm string

// The algorithms that Django names itself are SHA256, its default since 3.1,
// and SHA1, the only one before. The others are for a site's own
// Signer(algorithm=…).
const (
	MD5    Algorithm = "md5"
	SHA1   Algorithm = "sha1"
	SHA224 Algorithm = "sha224"
	SHA256 Algorithm = "sha256"
	SHA384 Algorithm = "sha384"
	SHA512 Algorithm = "sha512"
)

func (a Algorithm) hash() (func() hash.Hash, error) {
	switch a {
	case MD5:
		return md5.New, nil
	case SHA1:
		return sha1.New, nil
	case SHA224:
		return sha256.New224, nil
	case SHA256:
		return sha256.New, nil
	case SHA384:
		return sha512.New384, nil
	case SHA512:
		return sha512.New, nil
	}
	return nil, fmt.Errorf("signing: unknown algorithm %q", string(a))
}
