// Package atlas is the configuration of the Atlas trigger that a deployment
// needs, as Atlas takes it.
package atlas
