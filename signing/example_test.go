package signing_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/djsess/djsess/signing"
)

// A link that Django's signing.loads reads, and the reverse.
func ExampleDumps() {
	o := signing.Options{SecretKey: "the site's SECRET_KEY", Salt: "invitation"}
	token, err := signing.Dumps(map[string]any{"email": "zoe@example.com"}, true, o)
	if err != nil {
		log.Fatal(err)
	}
	var invitation struct{ Email string }
	origin, err := signing.Loads(token, &invitation, 72*time.Hour, o)
	fmt.Println(invitation.Email, origin.Key, err)

	_, err = signing.Loads(token+"x", &invitation, 72*time.Hour, o)
	fmt.Println(errors.Is(err, signing.ErrBadSignature))
	// Output:
	// zoe@example.com 0 <nil>
	// true
}
