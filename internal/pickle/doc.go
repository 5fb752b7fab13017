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
//   - A pickle that changes a class or a function (by BUILD, say) is loaded, but cannot be written: it
//     matters when the change happens, and the graph does not say that.
//
// # Hostile pickles
//
// Memory and work are in proportion to the length of the pickle: a length is compared with what is
// left before it is believed, a large memo number takes no more memory than a small one, an object
// that many others share counts for each of them, and [Limits] bound the number of objects
// and how deeply they nest. A small graph can have endless paths through it, by sharing or
// cycles: code that follows it must count its own steps.
package pickle
