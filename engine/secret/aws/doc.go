// Package aws reads secrets from AWS Systems Manager Parameter Store and from AWS Secrets
// Manager, by HTTP through the connection layer. Requests are signed by the aws_sigv4 layer,
// with the credentials of AWS's default chain or a role.
//
// The requests are the documented actions AmazonSSM.GetParameter and
// secretsmanager.GetSecretValue. Nothing else is sent.
package aws
