package main

import (
	"encoding/json"
	"time"

	"github.com/djsess/djsess/signing"
)

// signerConfig are the arguments of Signer(…) and TimestampSigner(…).
type signerConfig struct {
	Key          []byte            `json:"key"`
	FallbackKeys [][]byte          `json:"fallback_keys"`
	Salt         string            `json:"salt"`
	Sep          string            `json:"sep"`
	Algorithm    signing.Algorithm `json:"algorithm"`
}

func (c *signerConfig) options(now time.Time) signing.Options {
	return signing.Options{
		SecretKey:          string(c.Key),
		SecretKeyFallbacks: texts(c.FallbackKeys),
		Salt:               c.Salt,
		Sep:                c.Sep,
		Algorithm:          c.Algorithm,
		Now:                func() time.Time { return now },
	}
}

// maxAge is the argument max_age. Without it the age is not limited.
func (r *request) maxAge() time.Duration {
	if r.Microseconds == nil {
		return signing.NoMaxAge
	}
	return r.duration()
}

// signingOps are the module's functions, and the methods of Signer and TimestampSigner. The flag is
// the argument compress.
var signingOps = map[string]func(r *request, o signing.Options) (any, error){
	"dumps": func(r *request, o signing.Options) (any, error) { return signing.Dumps(r.Value, r.Flag, o) },
	"loads": func(r *request, o signing.Options) (any, error) {
		var value json.RawMessage
		_, err := signing.Loads(string(r.Text), &value, r.maxAge(), o)
		return value, err
	},

	"Signer.sign": withSigner(func(r *request, s *signing.Signer) (any, error) {
		return []byte(s.Sign(string(r.Text))), nil
	}),
	"Signer.unsign": withSigner(func(r *request, s *signing.Signer) (any, error) {
		value, _, err := s.Unsign(string(r.Text))
		return []byte(value), err
	}),
	"Signer.sign_object": withSigner(func(r *request, s *signing.Signer) (any, error) {
		return s.SignObject(r.Value, r.Flag)
	}),
	"Signer.unsign_object": withSigner(func(r *request, s *signing.Signer) (any, error) {
		var value json.RawMessage
		_, err := s.UnsignObject(string(r.Text), &value)
		return value, err
	}),

	"TimestampSigner.sign": withTimestampSigner(func(r *request, s *signing.TimestampSigner) (any, error) {
		return []byte(s.Sign(string(r.Text))), nil
	}),
	"TimestampSigner.unsign": withTimestampSigner(func(r *request, s *signing.TimestampSigner) (any, error) {
		value, _, err := s.Unsign(string(r.Text), r.maxAge())
		return []byte(value), err
	}),
	"TimestampSigner.sign_object": withTimestampSigner(func(r *request, s *signing.TimestampSigner) (any, error) {
		return s.SignObject(r.Value, r.Flag)
	}),
	"TimestampSigner.unsign_object": withTimestampSigner(func(r *request, s *signing.TimestampSigner) (any, error) {
		var value json.RawMessage
		_, err := s.UnsignObject(string(r.Text), r.maxAge(), &value)
		return value, err
	}),
}

func withSigner(op func(*request, *signing.Signer) (any, error)) func(*request, signing.Options) (any, error) {
	return func(r *request, o signing.Options) (any, error) {
		s, err := signing.NewSigner(o)
		if err != nil {
			return nil, err
		}
		return op(r, s)
	}
}

func withTimestampSigner(op func(*request, *signing.TimestampSigner) (any, error)) func(*request, signing.Options) (any, error) {
	return func(r *request, o signing.Options) (any, error) {
		s, err := signing.NewTimestampSigner(o)
		if err != nil {
			return nil, err
		}
		return op(r, s)
	}
}
