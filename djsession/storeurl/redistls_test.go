package storeurl

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// With TLS against a Redis that has none, the error says so, and long before the time to connect is
// over: such a Redis takes the beginning of TLS for a command without an end, and stays silent.
func TestTLSAgainstPlainRedis(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, test := range []struct{ scheme, plain, password string }{
		{"rediss", "redis", ""}, {"rediss", "redis", "hunter2"}, {"valkeys", "valkey", ""}, {"rediss-cluster", "redis-cluster", ""},
	} {
		r := djangotest.RedisWith(t, djangotest.RedisOptions{Password: test.password})
		_, rest, _ := strings.Cut(r.URL, "://")
		store := opened(t, test.scheme+"://"+rest+"?load_timeout=600&socket_connect_timeout=600")
		wg.Go(func() {
			want := "connect to " + r.Addr + ": the server does not speak TLS: write " + test.plain + "://"
			err := soon(t, test.scheme, func() error { return loadError(t, store) })
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", test.scheme, err, want)
			}
		})
	}
}

// A server that speaks neither TLS nor Redis is not said to be a Redis without TLS.
func TestTLSAgainstSilentServer(t *testing.T) {
	t.Parallel()
	store := opened(t, "rediss://"+silent(t, "")+"/0?load_timeout=3&ssl_cert_reqs=none")
	began := time.Now()
	err := loadError(t, store)
	if err == nil || strings.Contains(err.Error(), "does not speak TLS") {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

func loadError(t *testing.T, store Store) error {
	_, err := store.Load(t.Context(), aKey)
	return err
}
