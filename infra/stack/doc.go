// Package stack is everything that one deployment of Causeway consists of in an
// AWS account: one CloudFormation stack per manifest, one file per construct.
//
// What AWS's own checkers would object to is explained where it is made.
package stack
