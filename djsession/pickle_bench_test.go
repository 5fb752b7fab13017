package djsession_test

import (
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pickle"
)

// aLogin is a session with a login of django.contrib.auth, as Python pickles it.
func aLogin(t testing.TB) []byte {
	return pickled(t, dict(
		"_auth_user_id", pickle.NewStr("1"),
		"_auth_user_backend", pickle.NewStr("django.contrib.auth.backends.ModelBackend"),
		"_auth_user_hash", pickle.NewStr("8f1c55d6e8a5d0f0e8b3c1a9d2b4e6f80123456789abcdef0123456789abcdef"),
	), 4)
}

// The benchmark compares with pickle.Load, which internal/pickle/bench_test.go compares with CPython.
func BenchmarkPickledLogin(b *testing.B) {
	data := aLogin(b)
	s := djsession.PickleSerializer{}
	b.Run("load", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := pickle.Load(data, pickle.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v, err := s.Parse(data)
			if err != nil || v.GetString("_auth_user_id") != "1" {
				b.Fatal(err)
			}
		}
	})
	b.Run("set and append", func(b *testing.B) {
		b.ReportAllocs()
		v := unpickle(b, data)
		var dst []byte
		for b.Loop() {
			if err := v.Set("_auth_user_id", "2"); err != nil {
				b.Fatal(err)
			}
			var err error
			if dst, err = s.Append(dst[:0], v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
