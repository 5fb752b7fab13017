package magic

import "encoding/binary"

// isMessagePack tells whether data is one whole value of MessagePack that holds
// others: a lone number or string could be anything.
func isMessagePack(data []byte) bool {
	if c := data[0]; c < 0x80 || c > 0x9f && (c < 0xdc || c > 0xdf) {
		return false
	}
	wanted := 1 // values
	for ; wanted > 0 && len(data) > 0; wanted-- {
		skip, values := messagePackHead(data)
		if skip == 0 || skip > len(data) || values > len(data) {
			return false
		}
		data = data[skip:]
		wanted += values
	}
	return wanted == 0 && len(data) == 0
}

// messagePackHead returns how many bytes the first value has without those in it,
// and how many values are in it; 0 bytes if it is none.
func messagePackHead(data []byte) (skip, values int) {
	c := data[0]
	switch {
	case c < 0x80 || c >= 0xe0: // small integers
		return 1, 0
	case c <= 0x8f:
		return 1, 2 * int(c&0x0f)
	case c <= 0x9f:
		return 1, int(c & 0x0f)
	case c <= 0xbf: // short strings
		return 1 + int(c&0x1f), 0
	}
	h := messagePackTypes[c-0xc0]
	if h.fixed == 0 || len(data) < 1+h.length {
		return 0, 0
	}
	var n int
	switch length := data[1:]; h.length {
	case 1:
		n = int(length[0])
	case 2:
		n = int(binary.BigEndian.Uint16(length))
	case 4:
		n = int(binary.BigEndian.Uint32(length))
	}
	if h.values > 0 {
		return h.fixed, n * h.values
	}
	return h.fixed + n, 0
}

// messagePackTypes are those from 0xc0 to 0xdf: how many bytes they have at least, how
// many of them are a length, and how many values are counted by it, if not bytes.
var messagePackTypes = [0x20]struct{ fixed, length, values int }{
	{1, 0, 0}, {0, 0, 0}, {1, 0, 0}, {1, 0, 0}, // nil, unused, false, true
	{2, 1, 0}, {3, 2, 0}, {5, 4, 0}, // bin
	{3, 1, 0}, {4, 2, 0}, {6, 4, 0}, // ext
	{5, 0, 0}, {9, 0, 0}, // float
	{2, 0, 0}, {3, 0, 0}, {5, 0, 0}, {9, 0, 0}, // uint
	{2, 0, 0}, {3, 0, 0}, {5, 0, 0}, {9, 0, 0}, // int
	{3, 0, 0}, {4, 0, 0}, {6, 0, 0}, {10, 0, 0}, {18, 0, 0}, // fixext
	{2, 1, 0}, {3, 2, 0}, {5, 4, 0}, // str
	{3, 2, 1}, {5, 4, 1}, // array
	{3, 2, 2}, {5, 4, 2}, // map
}
