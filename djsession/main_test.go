package djsession_test

import (
	"os"
	"testing"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }
