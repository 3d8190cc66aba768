// Package stepfunctions stands in for AWS Step Functions on one machine: it
// runs one state machine, the very file that is deployed, and answers for its
// executions over the protocol that the AWS SDK speaks. What executes it is
// npm's aws-local-stepfunctions in a child process; its tasks invoke functions
// here.
//
// Executions are kept in memory. Numbers are those of JavaScript: an integer
// over 2^53 has to travel as a string. Not modelled: history, redrive, map runs
// to look at, quotas other than the 256 KiB that a task may return; and, of the
// language, JSONata, item readers and batchers, result writers and tolerated
// failures.
package stepfunctions
