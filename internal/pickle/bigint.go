package pickle

import (
	"math/big"
	"slices"
)

// bigText spells an integer in decimal, or where Python's str() refuses to, in hexadecimal: that takes no more than one pass.
func bigText(n *big.Int) string {
	// 10 digits take more than 33 bits and less than 34.
	if n.BitLen() <= maxIntDigits*33/10 {
		return n.String()
	}
	if n.BitLen() < maxIntDigits*34/10 {
		if s := n.String(); len(s)-max(-n.Sign(), 0) <= maxIntDigits {
			return s
		}
	}
	if n.Sign() < 0 {
		return "-0x" + new(big.Int).Neg(n).Text(16)
	}
	return "0x" + n.Text(16)
}

// fromTwosComplement reads bytes of which the lowest is the first.
func fromTwosComplement(s string) *big.Int {
	b := []byte(s)
	slices.Reverse(b)
	n := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// twosComplement is the shortest form of n that keeps its sign; that of 0 is empty, as in Python.
func twosComplement(n *big.Int) []byte {
	if n.Sign() == 0 {
		return nil
	}
	size := n.BitLen()/8 + 1
	if n.Sign() < 0 {
		// -128 fits where 128 does not.
		size = new(big.Int).Not(n).BitLen()/8 + 1
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	b := n.FillBytes(make([]byte, size))
	slices.Reverse(b)
	return b
}
