// Package fieldvalue converts values of a session to values of a Django model's field, and those
// to parameters of a statement.
package fieldvalue

import (
	"math"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/djsess/djsess/djsession/pytype"
)

// Type is a type of fields.
type Type int

const (
	// Integer is AutoField, BigAutoField and IntegerField.
	Integer Type = iota
	// UUID is UUIDField.
	UUID
	// Text is CharField, and any other field that is compared as a text.
	Text
	// IP is GenericIPAddressField.
	IP
)

// Convert is the field's to_python, followed by value_to_string. It takes a value decoded from
// JSON into an any. For a value that the field cannot have, ok is false.
func (t Type) Convert(value any) (text string, ok bool) {
	switch t {
	case Integer:
		return convertInteger(value)
	case UUID:
		return convertUUID(value)
	case Text:
		return convertText(value)
	case IP:
		return convertIP(value)
	}
	return "", false
}

// Param returns what Convert returned as a parameter of a statement. All columns that Django
// keeps UUIDs in take them without hyphens: PostgreSQL's uuid, MariaDB's uuid since Django
// 5.0, and the char(32) of the others.
func (t Type) Param(text string) any {
	switch t {
	case Integer:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	case UUID:
		return strings.ReplaceAll(text, "-", "")
	}
	return text
}

// convertInteger is Python's int(), for integers that fit into a database column.
func convertInteger(value any) (string, bool) {
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10), true
	case bool:
		if v {
			return "1", true
		}
		return "0", true
	case float64:
		if !(math.Abs(v) < 1<<63) {
			return "", false
		}
		return strconv.FormatInt(int64(v), 10), true
	case string:
		n, ok := parseInteger(v)
		return strconv.FormatInt(n, 10), ok
	}
	return "", false
}

// parseInteger reads what int() reads of ASCII: spaces around, a sign, and single
// underscores between digits.
func parseInteger(s string) (int64, bool) {
	s = strings.TrimFunc(s, isSpace)
	digits := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-")
	if strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
	return n, err == nil
}

// isSpace is str.isspace for what str.strip takes off in ASCII.
func isSpace(r rune) bool { return r == ' ' || r >= '\t' && r <= '\r' || r >= 0x1c && r <= 0x1f }

// convertUUID is uuid.UUID(hex) or, for a number, uuid.UUID(int=…).
func convertUUID(value any) (string, bool) {
	var id pytype.UUID
	switch v := value.(type) {
	case string:
		v = strings.ReplaceAll(strings.ReplaceAll(v, "urn:", ""), "uuid:", "")
		var err error
		if id, err = pytype.ParseUUID(strings.Trim(v, "{}")); err != nil {
			return "", false
		}
	case int64:
		if v < 0 {
			return "", false
		}
		big.NewInt(v).FillBytes(id[:])
	case *big.Int:
		if v.Sign() < 0 || v.BitLen() > 8*len(id) {
			return "", false
		}
		v.FillBytes(id[:])
	default:
		return "", false
	}
	return id.String(), true
}

// convertText is str(). It refuses a NUL and a lone surrogate, which not every database
// accepts in a query.
func convertText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, utf8.ValidString(v) && strings.IndexByte(v, 0) < 0
	case int64:
		return strconv.FormatInt(v, 10), true
	case *big.Int:
		return v.String(), true
	}
	return "", false
}

// convertIP takes an address as a text. PostgreSQL's inet has no zones.
func convertIP(value any) (string, bool) {
	text, _ := value.(string)
	address, err := netip.ParseAddr(text)
	return address.String(), err == nil && address.Zone() == ""
}
