package pyjson

import (
	"math/rand/v2"
	"strings"
)

// A generator makes JSON texts with many corner cases, from a fixed seed.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 1))} }

func (g generator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g generator) space() string {
	if g.IntN(4) > 0 {
		return ""
	}
	return g.pick(" ", "\t", "\n", "\r", " \r\n", "  ")
}

func (g generator) text(depth int) string {
	kind := g.IntN(10)
	if depth <= 0 {
		kind = g.IntN(6)
	}
	switch kind {
	case 0, 1:
		return g.number()
	case 2:
		return g.pick("null", "true", "false", "NaN", "Infinity", "-Infinity")
	case 3, 4, 5:
		return g.str()
	case 6, 7:
		var parts []string
		for range g.IntN(4) {
			parts = append(parts, g.space()+g.text(depth-1)+g.space())
		}
		return "[" + strings.Join(parts, ",") + g.space() + "]"
	default:
		var parts []string
		for range g.IntN(5) {
			parts = append(parts, g.space()+g.name()+g.space()+":"+g.space()+g.text(depth-1)+g.space())
		}
		return "{" + strings.Join(parts, ",") + g.space() + "}"
	}
}

// name returns a name. It repeats names often enough for duplicates, some of them with another
// spelling.
func (g generator) name() string {
	if g.IntN(3) == 0 {
		return g.str()
	}
	return g.pick(`"a"`, `"b"`, `"\u0061"`, `""`, `"_auth_user_id"`, "\"\xe9\"", `"\u00e9"`, `"\ud83d\ude00"`, `"\ud83d"`)
}

func (g generator) str() string {
	var b strings.Builder
	b.WriteByte('"')
	for range g.IntN(12) {
		b.WriteString(g.pick("a", "plain words", "/", "<&>", "'", "\x7f", "\x80", "\xe9", "\xff", "\xc3\xa9", `\"`, `\\`, `\/`,
			`\b`, `\f`, `\n`, `\r`, `\t`, `\u0041`, `\u00e9`, `\u00E9`, `\u20ac`, `\ud83d\ude00`, `\ud83d`, `\ude00`, `\uD83D\u0041`,
			`\ud83d\ud83d\ude00`, `\u0000`, `\u007f`, `\uffff`, `\udbff\udfff`, `\ud83d\n`))
	}
	b.WriteByte('"')
	return b.String()
}

func (g generator) digits(n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(byte('0' + g.IntN(10)))
	}
	return b.String()
}

func (g generator) number() string {
	sign := g.pick("", "", "-")
	whole := g.pick("0", "1", "9", "1"+g.digits(g.IntN(20)), "9007199254740993", "9223372036854775807", "9223372036854775808")
	if g.IntN(200) == 0 {
		whole = "1" + g.digits(4298+g.IntN(3))
	}
	if g.IntN(2) == 0 {
		return sign + whole
	}
	fraction := g.pick("", ".0", ".5", ".50", "."+g.digits(1+g.IntN(25)))
	exponent := g.pick("", "e5", "E+16", "e-05", "e"+g.digits(1+g.IntN(4)), "e-"+g.digits(1+g.IntN(3)))
	return sign + whole + fraction + exponent
}

// mutate makes a text that is nearly JSON.
func (g generator) mutate(text string) string {
	for range 1 + g.IntN(3) {
		at := g.IntN(len(text) + 1)
		end := min(len(text), at+g.IntN(4))
		switch g.IntN(5) {
		case 0:
			text = text[:at]
		case 1:
			text = text[:at] + text[end:]
		case 2:
			text = text[:at] + text[at:end] + text[at:]
		default:
			text = text[:at] + g.pick(`"`, `\`, `\u`, `\u+123`, `\u 123`, `\u0x1f`, `\u12_3`, `\x`, "{", "}", "[", "]", ",", ":", "-", "+", ".", "e",
				"0", "01", "1.", ".5", "1e", "1e+", "-NaN", "nan", "NaN", "-Inf", "Infinity", "None", "True", "//", "#", "'", "\x00", "\x1f",
				"\t", "\n", "\v", "\f", "\x85", "\xa0", "\xef\xbb\xbf", "\xc3\xa9", "\xed\xa0\xbd", " ", "\x7f", "_", "0x10") + text[end:]
		}
	}
	return text
}

// texts makes n texts, most of them mutated.
func (g generator) texts(n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = g.space() + g.text(g.IntN(5)) + g.space()
		if g.IntN(5) > 1 {
			texts[i] = g.mutate(texts[i])
		}
	}
	return texts
}
