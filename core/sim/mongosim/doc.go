// Package mongosim is a MongoDB database in memory, for simulations: it
// interprets the filters, projections and pipelines that core/mongodb and
// core/ledger generate, by MongoDB's documented rules, on raw BSON. Anything
// else is an error that names it, so that a builder cannot come to rely on
// what only the simulation does.
package mongosim
