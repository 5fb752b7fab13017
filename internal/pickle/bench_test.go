package pickle_test

import (
	"fmt"
	"testing"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/testing/benchratio"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// benchSessions returns a login as Django stores it, and a cart of 50 products.
func benchSessions() map[string]*pickle.Object {
	login := pickle.NewDict(
		pickle.NewStr("_auth_user_id"), pickle.NewStr("1"),
		pickle.NewStr("_auth_user_backend"), pickle.NewStr("django.contrib.auth.backends.ModelBackend"),
		pickle.NewStr("_auth_user_hash"), pickle.NewStr("9a1e2b3c4d5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"))
	cart := pickle.NewDict()
	name, price := pickle.NewStr("name"), pickle.NewStr("price")
	for i := range 50 {
		price2 := pickle.NewCall(pickle.NewGlobal("decimal", "Decimal"), pickle.NewStr(fmt.Sprintf("%d.99", i)))
		product := pickle.NewDict(name, pickle.NewStr(fmt.Sprintf("Product %d", i)), price, price2, pickle.NewStr("qty"), pickle.NewInt(int64(i)))
		cart.Items = append(cart.Items, pickle.NewStr(fmt.Sprint(i)), product)
	}
	return map[string]*pickle.Object{"login": login, "cart": pickle.NewDict(pickle.NewStr("cart"), cart)}
}

// Python and Go run in turns. Each runs so often that the time to ask Python does not count.
func BenchmarkAgainstPython(b *testing.B) {
	for name, session := range benchSessions() {
		for _, protocol := range []int{4, 5} {
			data, err := pickle.Append(nil, session, protocol)
			if err != nil {
				b.Fatal(err)
			}
			times := 2_000_000 / len(data)
			p := startPython(b, djangotest.Newest, "repeat")
			p.send(data)
			run := func(what string, ours func()) {
				b.Run(fmt.Sprintf("%s/%s/protocol=%d", what, name, protocol), func(b *testing.B) {
					python := func() {
						p.send(fmt.Appendf(nil, "%s %d", what, times))
						p.receive()
					}
					benchratio.Run(b, "python", python, func() {
						for range times {
							ours()
						}
					})
				})
			}
			run("loads", func() { pickle.Load(data, pickle.Limits{}) })
			buf := make([]byte, 0, len(data))
			run("dumps", func() { buf, _ = pickle.Append(buf[:0], session, protocol) })
		}
	}
}

func BenchmarkLoadLogin(b *testing.B) {
	data, err := pickle.Append(nil, benchSessions()["login"], 5)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		pickle.Load(data, pickle.Limits{})
	}
}

func BenchmarkAppendLogin(b *testing.B) {
	session := benchSessions()["login"]
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = pickle.Append(buf[:0], session, 5)
	}
}
