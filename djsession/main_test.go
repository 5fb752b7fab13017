package djsession_test

import (
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/djsess/djsess/internal/testing/djangotest"
	_ "github.com/djsess/djsess/internal/testing/fastsqlite"
)

func TestMain(m *testing.M) {
	mysql.SetLogger(new(mysql.NopLogger)) // otherwise it prints every connection that a test breaks
	os.Exit(djangotest.Main(m))
}
