// Package signing is django.core.signing in Go: it makes and opens the signed
// texts that Django makes and opens, byte for byte.
//
//   - [Signer] and [TimestampSigner] are Django's classes of the same names.
//   - [Dumps] and [Loads] sign and open a value as JSON, optionally
//     compressed. [TimestampSigner.AppendObject] and
//     [TimestampSigner.OpenObject] do the same for bytes that are serialized
//     already; a session's payload is made of them.
//   - [CookieSigner] is response.set_signed_cookie and
//     request.get_signed_cookie.
//   - [SaltedHMAC] is django.utils.crypto.salted_hmac.
//
// Start with [Options]: the zero value of each of its fields is Django's
// default, so that a signer needs the SECRET_KEY and nothing else:
//
//	signer, err := signing.NewTimestampSigner(signing.Options{SecretKey: key})
//	token := signer.Sign("alice")
//	name, origin, err := signer.Unsign(token, time.Hour)
//
// A text whose signature does not hold gives [ErrBadSignature], one that is
// too old [ErrSignatureExpired], which errors.Is also takes for an
// [ErrBadSignature], as SignatureExpired is a BadSignature in Django. A text
// that is signed properly and still cannot be read gives [ErrMalformed] or
// [ErrTooLarge].
//
// Signing keeps nothing secret: whoever holds the text can read the value.
package signing
