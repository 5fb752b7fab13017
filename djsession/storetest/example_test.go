package storetest_test

import (
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/storetest"
)

// The test of a store of your own. It opens a new, empty store for each part of the suite.
func ExampleRun() {
	testContract := func(t *testing.T) {
		storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
			return djsessiontest.NewStore(settings)
		}, storetest.Options{})
	}
	_ = testContract // in a test file: func TestContract(t *testing.T)
}
