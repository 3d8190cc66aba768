// Package secretsmanager stands in for AWS Secrets Manager and STS on one
// machine: GetSecretValue, PutSecretValue, CreateSecret and AssumeRole, over the protocols that the AWS SDK
// speaks. A secret that names a role is given only to callers who assumed that
// role, and one that names a region only there, so that the functions take the
// same path to their secrets as in the cloud.
package secretsmanager
