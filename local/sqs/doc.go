// Package sqs runs the queues of the local stack: npm's local-aws-sqs, which
// speaks the real API, as a child process. What it holds is gone when it
// stops, so whoever feeds it keeps a change until the queues are empty.
package sqs
