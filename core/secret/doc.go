// Package secret reads secrets from AWS Secrets Manager, through a role where
// the manifest names one, and keeps them for a while. No error, log line or
// format of this package shows a value (invariant 11).
package secret
