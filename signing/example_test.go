package signing_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/djsess/djsess/signing"
)

// A token that Django's signing.loads opens.
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

// A key that was moved to SECRET_KEY_FALLBACKS still opens what it signed.
func ExampleSigner() {
	old, err := signing.NewSigner(signing.Options{SecretKey: "old key"})
	if err != nil {
		log.Fatal(err)
	}
	signed := old.Sign("alice")
	fmt.Println(signed)

	signer, err := signing.NewSigner(signing.Options{SecretKey: "new key", SecretKeyFallbacks: []string{"old key"}})
	if err != nil {
		log.Fatal(err)
	}
	value, origin, err := signer.Unsign(signed)
	fmt.Println(value, origin.Key, err)
	// Output:
	// alice:CUK_P1qpHXXeOdKo-boQUGVHOIe3xpyVA3m27ll2U9o
	// alice 1 <nil>
}

// A link that is valid for an hour.
func ExampleTimestampSigner() {
	now := time.Unix(1_900_000_000, 0)
	signer, err := signing.NewTimestampSigner(signing.Options{
		SecretKey: "the site's SECRET_KEY",
		Now:       func() time.Time { return now }, // for this example; the default is time.Now
	})
	if err != nil {
		log.Fatal(err)
	}
	link := signer.Sign("alice")
	now = now.Add(time.Hour)
	value, origin, err := signer.Unsign(link, time.Hour)
	fmt.Println(value, origin.SignedAt.UTC().Format(time.RFC3339), err)

	now = now.Add(time.Second)
	_, _, err = signer.Unsign(link, time.Hour)
	fmt.Println(errors.Is(err, signing.ErrSignatureExpired))
	// Output:
	// alice 2030-03-17T17:46:40Z <nil>
	// true
}

// A cookie that Django's request.get_signed_cookie("theme") reads.
func ExampleCookieSigner() {
	signer := signing.CookieSigner{
		Options: signing.Options{SecretKey: "the site's SECRET_KEY"},
		Salt:    signing.CookieSaltV2, // Django 5.2.15, 6.0.6, 6.1 and later
	}
	cookie, err := signer.Sign("theme", "", "dark")
	if err != nil {
		log.Fatal(err)
	}
	value, _, err := signer.Unsign("theme", "", cookie, signing.NoMaxAge)
	fmt.Println(value, err)
	_, _, err = signer.Unsign("language", "", cookie, signing.NoMaxAge)
	fmt.Println(err)
	// Output:
	// dark <nil>
	// bad signature
}
