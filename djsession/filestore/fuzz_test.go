package filestore_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// Any key with any file is a session, an ErrNotFound, an ErrInvalidKey or a PayloadError, and no
// key reaches a file outside of the folder.
func FuzzLoad(f *testing.F) {
	store := newStore(f)
	s := fixture.Settings(f, "5.2")
	s.Now = func() time.Time { return time.Unix(1_700_000_000, 0) } // the same text in every process that fuzzes
	good := string(sign(f, s, `{"a":1,"_session_expiry":300}`))
	for _, key := range []string{"abcdefgh12345678", "../../../etc/passwd", "abcdefgh\x00", "ABCDEFGH", "abcdefgh/..", "..", ""} {
		for _, content := range []string{good, "", good[1:], good + "\n", "\xff" + good, "e30:1:x"} {
			f.Add(key, content, int64(0))
			f.Add(key, content, time.Now().Unix())
		}
	}
	f.Fuzz(func(t *testing.T, key, content string, written int64) {
		r, err := store.Load(t.Context(), key)
		if r != nil || !errors.Is(err, djsession.ErrNotFound) && !errors.Is(err, djsession.ErrInvalidKey) {
			t.Fatalf("%q: %v, %v", key, r, err)
		}
		if errors.Is(err, djsession.ErrInvalidKey) {
			return
		}
		if strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			t.Fatalf("%q is a key", key)
		}
		put(t, store, key, []byte(content), time.Unix(written%(1<<33), 0))
		defer os.Remove(path(store, key))
		r, err = store.Load(t.Context(), key)
		var payload *djsession.PayloadError
		switch {
		case err == nil && content != good && content != "":
			t.Errorf("%q is read as %s", content, fixture.JSON(t, r.Values))
		case err != nil && !errors.As(err, &payload) && !errors.Is(err, djsession.ErrNotFound):
			t.Error(err)
		}
	})
}
