// Package bridge settles document pairs: it reads both sides and the ledger,
// lets reconcile decide, claims, records, writes and settles, for a batch of
// pairs at a time (docs/architecture.md, "protocol").
package bridge
