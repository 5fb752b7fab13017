// Package pickle reads and writes Python pickles as data. Nothing is ever imported
// or called: what a pickle asks for is kept as a graph of [Object]s, which says it, and can
// be written back.
//
// [Load] takes every opcode of protocols 0 to 5 but those for buffers that travel beside the
// pickle. [Append] writes a graph in any protocol: Python loads an equal one from it, with the same
// sharing and the same cycles. Plain data comes out in the bytes that Python's C
// pickler writes, so far as the order of a set and what Python happens to keep only
// once (short strings, say) do not count.
//
// # Where Go follows Python
//
//   - A protocol below 3 names modules and classes as Python 2 did; Python 3 maps them when it
//     loads and back when it writes, and so do we. See renames.go.
//   - Bytes below protocol 3, sets below 4 and a bytearray below 5 are calls of what makes
//     them. They are loaded as what they are, and written as that protocol's Python would.
//   - A str of Python 2 is loaded as ASCII, which is pickle.loads' default; anything else is an error.
//   - What follows the STOP opcode is ignored.
//   - A pickle that changes a class or a function (by BUILD, say) is loaded, and not written: when the
//     change happens counts, and no graph says that.
//
// # Hostile pickles
//
// Memory and work are in proportion to the length of the pickle: a length is compared with what is
// left before it is believed, a memo number takes memory for the object that has it and not for those
// below it, what many objects are made of counts for each, and [Limits] bound the number of objects
// and how deeply they nest. A graph can be small and yet have no end of paths
// through it, by sharing or cycles: whoever follows it must count for himself.
package pickle
