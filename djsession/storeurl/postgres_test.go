package storeurl_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/faultproxy"
)

// A store takes one of the server's connections, also where the server was asked for TLS
// first and has none.
func TestOneConnection(t *testing.T) {
	djangotest.NotShort(t, "PostgreSQL")
	db := djangotest.Postgres(t)
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	proxy := faultproxy.New(t, u.Host)
	store, err := storeurl.Open(strings.Replace(db.URL, u.Host, proxy.Addr, 1), settings)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Load(t.Context(), djsession.NewKey()); !errors.Is(err, dbstore.ErrNoTable) {
		t.Fatal(err)
	}
	for range 1000 { // until the proxy has heard of it
		if proxy.Open() == 1 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d connections", proxy.Open())
}
