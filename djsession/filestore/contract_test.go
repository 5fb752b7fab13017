package filestore_test

import (
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/djsession/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
		return open(t, filestore.Config{Dir: t.TempDir(), Settings: settings})
	}, storetest.Options{
		NumberNeverEnds: true,
		PlainErrors:     true,
		Damage: func(t *testing.T, store djsession.Store, key string) {
			put(t, store.(*filestore.Store), key, []byte("e30:1:x"), time.Now())
		},
	})
}
