package pyjson

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// loginSession is what Django stores for a visitor who has logged in.
const loginSession = `{"_auth_user_id":"1","_auth_user_backend":"django.contrib.auth.backends.ModelBackend",` +
	`"_auth_user_hash":"9b1d4f0c2f6f1ad9e8f4b1c5a7d3e2f10b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e"}`

// shopSession is about 3.5 KB: a login, a cart and some messages.
var shopSession = func() string {
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(loginSession, "}"))
	b.WriteString(`,"cart":{`)
	for i := range 20 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"sku-%04d":{"quantity":%d,"price":%d.%02d,"name":"Caf\u00e9 cr\u00e8me, large, number %d"}`, i, i%4+1, i, i*7%100, i)
	}
	b.WriteString(`},"_messages":"[[\"__json_message\",0,20,\"Your order has been placed, thank you very much.\"]]","next":"`)
	b.WriteString(strings.Repeat("/shop/category/page?filter=all&sort=price;", 40))
	b.WriteString(`","_session_expiry":1209600}`)
	return b.String()
}()

// cartSession is 3.5 KB of short tokens: names, prices and counts.
var cartSession = func() string {
	var b strings.Builder
	b.WriteString(`{"cart":{`)
	for i := 0; b.Len() < 3500; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%d":{"qty":%d,"price":"%d.99","name":"Product %d"}`, i, i, i, i)
	}
	b.WriteString(`}}`)
	return b.String()
}()

var stringHeavy = `{"a":"` + strings.Repeat("Some ordinary text of words, as messages have it. ", 70) + `"}`

func BenchmarkScan(b *testing.B) {
	for _, bench := range []struct{ name, text string }{
		{"login", loginSession},
		{"shop", shopSession},
		{"cart", cartSession},
		{"strings", stringHeavy},
		{"numbers", `{"a":[` + strings.Repeat("12345,1.5,", 350) + `0]}`},
		{"brackets", `{"a":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.text)))
			b.ReportAllocs()
			dst := make([]Member, 0, 16)
			for b.Loop() {
				if _, err := Scan(bench.text, dst, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkScanWithoutCapacity(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(loginSession, nil, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkValid is for comparison: encoding/json checks as much and indexes nothing.
func BenchmarkValid(b *testing.B) {
	text := []byte(shopSession)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if !json.Valid(text) {
			b.Fatal("not valid")
		}
	}
}

type benchCart map[string]struct {
	Quantity int     `json:"quantity"`
	Price    float64 `json:"price"`
	Name     string  `json:"name"`
}

func BenchmarkUnmarshal(b *testing.B) {
	members, err := Scan(shopSession, nil, Limits{})
	if err != nil {
		b.Fatal(err)
	}
	cart := members[3].Raw
	b.Run("string", func(b *testing.B) {
		var s string
		for b.Loop() {
			if err := Unmarshal(`"worked"`, &s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cart", func(b *testing.B) {
		b.SetBytes(int64(len(cart)))
		for b.Loop() {
			var c benchCart
			if err := Unmarshal(cart, &c); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	var cart benchCart
	members, _ := Scan(shopSession, nil, Limits{})
	if err := Unmarshal(members[3].Raw, &cart); err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name  string
		value any
	}{
		{"string", "worked"},
		{"text", strings.Repeat("ordinary text ", 100)},
		{"cart", cart},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var dst []byte
			for b.Loop() {
				var err error
				if dst, err = Append(dst[:0], bench.value); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(dst)))
		})
	}
}

func BenchmarkNormalize(b *testing.B) {
	b.SetBytes(int64(len(shopSession)))
	for b.Loop() {
		if _, err := Normalize(shopSession, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
