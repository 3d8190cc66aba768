// Package stepfunctions stands in for AWS Step Functions on one machine: it
// runs one state machine, the very file that is deployed, and answers for its
// executions over the protocol that the AWS SDK speaks. What executes it is
// npm's aws-local-stepfunctions in a child process; its tasks invoke functions
// here.
//
// Executions are kept in memory. Unlike on AWS, a distributed map runs inline:
// an error in a child which States.ALL does not match ends the execution,
// where AWS gives the map a States.ExceedToleratedFailureThreshold to catch.
// Numbers are those of JavaScript. Not modelled: history, redrive, quotas other
// than the 256 KiB that a state may hand on.
package stepfunctions
