// Package lambda stands in for AWS Lambda on one machine: it runs the very
// bootstrap binaries that are deployed, as child processes, over the Lambda
// Runtime API, and feeds them as the cloud does: a queue through an event
// source mapping, and web requests through an HTTP API.
//
// Not modelled: freezing between invocations, memory limits, the sandbox's
// file system, and the time that a new environment takes to download its code.
package lambda
