// Package manifest reads causeway.yaml: the connector's BigPeerDataBridge
// manifest, Causeway's additions to it, and the Deployment document. It reports
// every problem at once (docs/configuration.md).
package manifest
