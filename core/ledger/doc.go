// Package ledger remembers, per document pair, what the two sides last agreed
// on, and who is writing the pair now (docs/architecture.md, "ledger").
package ledger
