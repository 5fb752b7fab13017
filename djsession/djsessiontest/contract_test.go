package djsessiontest_test

import (
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/storetest"
)

// The store in memory keeps the promises of djsession.Store.
func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
		return djsessiontest.NewStore(settings)
	}, storetest.Options{})
}
