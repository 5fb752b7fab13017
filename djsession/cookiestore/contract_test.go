package cookiestore_test

import (
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
		return newStore(t, settings)
	}, storetest.Options{PlainErrors: true})
}
