// Package upload puts secrets into AWS Secrets Manager, in the forms in which
// the functions and Lambda read them. No value gets into an error, an argument
// of a program or a file (invariant 11).
package upload
