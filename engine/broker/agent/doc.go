// Package agent answers requests of pipelines for servers of an internal network. It dials the hub and
// accepts no connection; what comes through the hub is TLS to the agent's own key.
//
// The file is the only authority: it names the pipelines that may ask and the allowed requests of each
// target, and has the credentials. Nothing that the hub or a pipeline sends changes it. Each request
// is in the audit log before it is sent, and a request that cannot be written there is refused.
package agent
