package djsession_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/fixture"
)

const (
	propertySessions = 10_000 // in each direction, with each Django
	propertyBatch    = 1_000
)

// Go decodes what Django encodes, and Django decodes what Go encodes. Not a single byte of the JSON
// differs.
func TestRandomSessionsAgainstDjango(t *testing.T) {
	for i, version := range djangotest.OldestAndNewest() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			django := djangotest.Start(t, version, nil)
			s, err := djsession.NewSettings(version, djangotest.SecretKey)
			if err != nil {
				t.Fatal(err)
			}
			codec := newCodec(t, s, djsession.NewCodec)
			django.Do(t, randomSessions, nil, nil)
			random := rand.New(rand.NewPCG(61, uint64(i)))
			for batch := range djangotest.Cases(propertySessions) / propertyBatch {
				fromDjango(t, django, codec, batch)
				fromGo(t, django, codec, random)
			}
		})
	}
}

// randomSessions defines sessions(seed, n), which makes [payload, JSON] pairs.
const randomSessions = `
import random
def sessions(seed, n):
    r = random.Random(seed)
    def text():
        return r.choice(["", "x", "\u017c\u00f3\u0142\u0107", "\U0001f600", "\ud800", "a\x00b\x1f\x7f", "\"\\/<>&", "\u2028", "caf\u00e9",
            "".join(chr(r.choice([r.randrange(128), r.randrange(0x250), r.randrange(0x110000)])) for _ in range(r.randrange(40)))])
    def number():
        return r.choice([0, 1, -1, 2**31, 2**53 + 1, -2**63, 2**64, 10**300, r.randrange(-10**6, 10**6), 1.0, -0.0, 1e16, 1e22, 1e-5, 1e-7, 5e-324,
            1.7976931348623157e308, 0.1 + 0.2, float("inf"), float("-inf"), float("nan"), r.uniform(-1e6, 1e6), r.random() * 10 ** r.randrange(-320, 300)])
    def value(depth):
        kind = r.randrange(8 if depth else 6)
        if kind < 2: return text()
        if kind < 4: return number()
        if kind == 4: return r.choice([True, False, None])
        if kind == 5: return "".join(r.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(r.randrange(200)))
        if kind == 6: return [value(depth - 1) for _ in range(r.randrange(5))]
        return {key(): value(depth - 1) for _ in range(r.randrange(5))}
    def key():
        return r.choice([text(), "k%d" % r.randrange(1000), "k%d" % r.randrange(1000), r.randrange(100), None, True, 1.5])
    out = []
    for _ in range(n):
        data = {key(): value(3) for _ in range(r.randrange(8))}
        out.append([SessionStore().encode(data), json.dumps(data, separators=(",", ":"))])
    return out
`

func fromDjango(t *testing.T, django *djangotest.Django, codec djsession.Codec, batch int) {
	var pairs [][2]string
	django.Do(t, `result = sessions(args["seed"], args["n"])`, map[string]int{"seed": batch, "n": propertyBatch}, &pairs)
	if len(pairs) != propertyBatch {
		t.Fatalf("%d sessions", len(pairs))
	}
	for _, p := range pairs {
		v, origin, err := codec.Decode([]byte(p[0]))
		if err != nil {
			t.Fatalf("%s: %v", p[1], err)
		}
		if got := fixture.JSON(t, v); got != p[1] {
			t.Fatalf("decoded to %s, Django has %s", got, p[1])
		}
		// Every value that Get returns and Set stores again has the bytes that Python wrote.
		for name := range v.Names() {
			before, _ := v.Raw(name)
			var value any
			if err := v.Get(name, &value); err != nil {
				t.Fatalf("%s: %v", before, err)
			}
			if _, isDict := value.(map[string]any); isDict {
				continue // a map in Go has no order
			}
			if list, isList := value.([]any); isList && len(list) > 0 {
				continue
			}
			if err := v.Set(name, value); err != nil {
				t.Fatalf("%s: %v", before, err)
			}
			if after, _ := v.Raw(name); after != before {
				t.Fatalf("%s becomes %s", before, after)
			}
		}
		if origin.SignedAt.IsZero() != (origin.Form == djsession.Legacy) {
			t.Fatalf("origin %+v", origin)
		}
	}
}

func fromGo(t *testing.T, django *djangotest.Django, codec djsession.Codec, random *rand.Rand) {
	var payloads, texts []string
	for range propertyBatch {
		v := new(djsession.Values)
		for range random.IntN(8) {
			if err := v.Set(randomText(random), randomValue(random, 3)); err != nil {
				t.Fatal(err)
			}
		}
		payload, err := codec.Append(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		payloads, texts = append(payloads, string(payload)), append(texts, fixture.JSON(t, v))
	}
	var differences []string
	django.Do(t, `
		result = []
		for payload, text in zip(args["payloads"], args["texts"]):
			got = json.dumps(SessionStore().decode(payload), separators=(",", ":"))
			if got != text:
				result.append("Go wrote %r, Django reads %r" % (text, got))
	`, map[string]any{"payloads": payloads, "texts": texts}, &differences)
	for _, difference := range differences {
		t.Error(difference)
	}
	if t.Failed() {
		t.FailNow()
	}
}

func randomText(r *rand.Rand) string {
	switch r.IntN(4) {
	case 0:
		odd := []string{"", "x", "żółć", "\U0001f600", "\xed\xa0\x80", "a\x00b\x1f\x7f", `"\/<>&`, "\u2028", "_auth_user_id"}
		return odd[r.IntN(len(odd))]
	case 1:
		return fmt.Sprintf("k%d", r.IntN(1000))
	}
	var runes []rune
	for range r.IntN(40) {
		limit := []int{0x80, 0x250, 0xd800}[r.IntN(3)]
		runes = append(runes, rune(r.IntN(limit)))
	}
	return string(runes)
}

func randomValue(r *rand.Rand, depth int) any {
	kinds := 9
	if depth == 0 {
		kinds = 7
	}
	switch r.IntN(kinds) {
	case 0, 1:
		return randomText(r)
	case 2:
		return []any{math.Inf(1), math.Inf(-1), math.NaN(), 1.0, math.Copysign(0, -1), 1e16, 5e-324, math.MaxFloat64}[r.IntN(8)]
	case 3:
		return math.Float64frombits(r.Uint64())
	case 4:
		return int64(r.Uint64()) >> r.IntN(64)
	case 5:
		return new(big.Int).Lsh(big.NewInt(r.Int64()), uint(r.IntN(500)))
	case 6:
		return []any{true, false, nil}[r.IntN(3)]
	case 7:
		list := make([]any, r.IntN(5))
		for i := range list {
			list[i] = randomValue(r, depth-1)
		}
		return list
	}
	nested := new(djsession.Values)
	for range r.IntN(5) {
		if err := nested.Set(randomText(r), randomValue(r, depth-1)); err != nil {
			panic(err)
		}
	}
	return nested
}
