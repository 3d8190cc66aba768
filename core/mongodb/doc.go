// Package mongodb reads and conditionally writes documents in bulk.
package mongodb
