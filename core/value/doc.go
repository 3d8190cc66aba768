// Package value converts between BSON and Ditto's JSON, and says when the two
// stand for the same value.
//
// Both sides stay raw: a MongoDB value is a bson.RawValue, a Ditto value is
// JSON text. Nothing passes through reflection or through a float64 that was
// not one, so int64, 1.0 and Decimal128 survive. See docs/types.md.
package value
