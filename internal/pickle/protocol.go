package pickle

import "bytes"

// Protocol tells in which protocol a pickle was written. From 2 on it says so itself; 0 and 1 are told apart by the first opcode
// that only one of them writes.
func Protocol(data []byte) int {
	if len(data) >= 2 && data[0] == opProto {
		return min(int(data[1]), HighestProtocol)
	}
	for len(data) > 0 {
		op := data[0]
		data = data[1:]
		lines := 0
		switch op {
		case opMark, opNone:
		case opGlobal, opInst:
			lines = 2
		case opLong:
			lines = 1
		case opInt:
			// Protocol 1 writes True and False so, and nothing else.
			if !bytes.HasPrefix(data, []byte("00\n")) && !bytes.HasPrefix(data, []byte("01\n")) {
				return 0
			}
			lines = 1
		case opFloat, opUnicode, opString, opPut, opGet, opDict, opList, opPersID, opStop:
			return 0
		default:
			return 1
		}
		for range lines {
			_, data, _ = bytes.Cut(data, []byte("\n"))
		}
	}
	return 0
}
