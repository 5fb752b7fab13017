// Package pyjson reads and writes JSON the way Python's json module does, which is not quite the way
// encoding/json does.
//
// [Scan] checks a text once, as json.loads would, and indexes the members of the object it holds without
// decoding them: what nobody asks for can be written back byte for byte. [Unmarshal] decodes one of those
// values into a Go value, [Append] writes a Go value as json.dumps(..., separators=(",", ":")) would.
// [Normalize] turns JSON from elsewhere into JSON as Python writes it, [AppendStandard] turns Python's into
// JSON that any reader takes.
//
// # Text
//
// Django decodes what it stored as latin-1 before it parses it, so a byte of 0x80 or more inside a string is the
// character U+0080 to U+00FF and not a part of a UTF-8 sequence. All functions read their text so, but for
// [Normalize], whose input is UTF-8.
//
// A Python string can hold half of a surrogate pair. A Go string that stands for one is WTF-8: the half is the
// three bytes ED A0 80 to ED BF BF that UTF-8 forbids. Such a string is not valid UTF-8; everything else that this
// package decodes is. [AppendString] writes the half back as the escape it came from.
//
// # What json.loads takes
//
// NaN, Infinity and -Infinity; numbers beyond float64 (1e400 is infinite); integers of any size up to 4300 digits;
// lone surrogates; duplicate names, where the last value counts and stands in the first one's place. It refuses
// control characters in strings, a byte-order mark, -NaN, and whatever the JSON grammar refuses.
// Python gives up at about 1000 levels of nesting; see [Limits] for ours.
package pyjson
