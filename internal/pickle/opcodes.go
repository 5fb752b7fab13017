package pickle

import "bytes"

// The opcodes, by the names that Python's pickletools gives them.
const (
	opMark           = '('
	opStop           = '.'
	opPop            = '0'
	opPopMark        = '1'
	opDup            = '2'
	opFloat          = 'F'
	opInt            = 'I'
	opBinInt         = 'J'
	opBinInt1        = 'K'
	opLong           = 'L'
	opBinInt2        = 'M'
	opNone           = 'N'
	opPersID         = 'P'
	opBinPersID      = 'Q'
	opReduce         = 'R'
	opString         = 'S'
	opBinString      = 'T'
	opShortBinString = 'U'
	opUnicode        = 'V'
	opBinUnicode     = 'X'
	opAppend         = 'a'
	opBuild          = 'b'
	opGlobal         = 'c'
	opDict           = 'd'
	opEmptyDict      = '}'
	opAppends        = 'e'
	opGet            = 'g'
	opBinGet         = 'h'
	opInst           = 'i'
	opLongBinGet     = 'j'
	opList           = 'l'
	opEmptyList      = ']'
	opObj            = 'o'
	opPut            = 'p'
	opBinPut         = 'q'
	opLongBinPut     = 'r'
	opSetItem        = 's'
	opTuple          = 't'
	opEmptyTuple     = ')'
	opSetItems       = 'u'
	opBinFloat       = 'G'

	// Protocol 2.
	opProto    = 0x80
	opNewObj   = 0x81
	opExt1     = 0x82
	opExt2     = 0x83
	opExt4     = 0x84
	opTuple1   = 0x85
	opTuple2   = 0x86
	opTuple3   = 0x87
	opNewTrue  = 0x88
	opNewFalse = 0x89
	opLong1    = 0x8a
	opLong4    = 0x8b

	// Protocol 3.
	opBinBytes      = 'B'
	opShortBinBytes = 'C'

	// Protocol 4.
	opShortBinUnicode = 0x8c
	opBinUnicode8     = 0x8d
	opBinBytes8       = 0x8e
	opEmptySet        = 0x8f
	opAddItems        = 0x90
	opFrozenSet       = 0x91
	opNewObjEx        = 0x92
	opStackGlobal     = 0x93
	opMemoize         = 0x94
	opFrame           = 0x95

	// Protocol 5.
	opByteArray8     = 0x96
	opNextBuffer     = 0x97
	opReadonlyBuffer = 0x98
)

// HighestProtocol is the newest there is, since Python 3.8.
const HighestProtocol = 5

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
