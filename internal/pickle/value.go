package pickle

import (
	"math"
	"math/big"
	"strings"
)

// BigInt is the value of an Int or Bool.
func (o *Object) BigInt() *big.Int {
	if o.Text == "" {
		return big.NewInt(o.Int)
	}
	n, ok := new(big.Int).SetString(o.Text, 0)
	if !ok {
		return new(big.Int)
	}
	return n
}

// HasDecimal tells whether Python would give the digits of this Int: it refuses to beyond 4300.
func (o *Object) HasDecimal() bool {
	return !strings.HasPrefix(strings.TrimPrefix(o.Text, "-"), "0x")
}

// Float is the value of a Float.
func (o *Object) Float() float64 {
	return math.Float64frombits(uint64(o.Int))
}

// Global is the module and the qualified name of a Global; for any other object both are empty.
func (o *Object) Global() (module, name string) {
	if o.Kind != Global {
		return "", ""
	}
	module, name, _ = strings.Cut(o.Text, "\n")
	return module, name
}
