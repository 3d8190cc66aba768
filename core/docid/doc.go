// Package docid turns MongoDB documents into Ditto document ids and back
// (docs/configuration.md, "fields").
package docid
