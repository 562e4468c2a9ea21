// Package vault reads secrets from a KV engine of version 2 of HashiCorp Vault or OpenBao,
// by HTTP through the connection layer. It logs in with a token, as a Kubernetes service
// account or with an AppRole.
//
// The requests are those of the documented HTTP API: GET /v1/MOUNT/data/PATH and POST
// /v1/auth/MOUNT/login, below the namespace if there is one. Nothing else is sent.
package vault
