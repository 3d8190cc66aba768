// Package valuetest has values of every BSON type, how each must look in
// Ditto, and what must become of it in MongoDB when a device edits it: written
// down, not computed. The codecs, the bridge over the simulated stores and the
// whole stack on real engines are all held against it.
package valuetest
