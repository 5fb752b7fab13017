package ops_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/ops"
)

// Sessions move from one store to another. The stores of a site are opened by package storeurl.
func ExampleMigrate() {
	ctx := context.Background()
	from, to := djsessiontest.NewStore(nil), djsessiontest.NewStore(nil)
	if _, err := from.Create(ctx, "", nil, time.Now().Add(time.Hour)); err != nil {
		log.Fatal(err)
	}
	report, err := ops.Migrate(ctx, from, to, ops.Migration{Job: ops.Job{
		Found: func(f ops.Finding) { log.Print(f) },
	}})
	fmt.Println(report.Read, report.Inserted, report.Kept, err)

	// A second run has nothing to do.
	report, err = ops.Migrate(ctx, from, to, ops.Migration{})
	fmt.Println(report.Read, report.Inserted, report.Kept, err)
	// Output:
	// 1 1 0 <nil>
	// 1 0 1 <nil>
}

// All sessions of a user end, on every device.
func ExampleRevoke() {
	ctx := context.Background()
	store := djsessiontest.NewStore(nil)
	var hers djsession.Values
	if err := hers.Set("_auth_user_id", "17"); err != nil {
		log.Fatal(err)
	}
	r, err := store.Create(ctx, "", &hers, time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	report, err := ops.Revoke(ctx, store, ops.Revocation{UserID: "17"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = store.Load(ctx, r.Key)
	fmt.Println(report.Revoked, errors.Is(err, djsession.ErrNotFound))
	// Output:
	// 1 true
}
