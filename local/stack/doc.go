// Package stack runs the whole of Causeway on one machine: the MongoDB that
// there is, a Ditto server, a queue with the SQS API, Secrets Manager, the
// stand-in for the Atlas trigger, and the bootstraps that are deployed. It
// starts them in order, says where they listen, and stops them so that nothing
// pending is lost and no process is left.
package stack
