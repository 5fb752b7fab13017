// Package pyvalue translates between Python objects, as package pickle has them, and the native text of package
// pyjson, from which they become Go values: str and int, but also datetimes, Decimals, UUIDs, sets, and what else has a
// natural Go type. All other objects are opaque: they can be told apart and described, and put back where they were.
package pyvalue
