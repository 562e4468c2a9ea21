// Package secret finds the text of a ${secret:NAME} with the provider that the secrets block
// of a pipeline file configures. Each provider is a package below it: store (a file
// encrypted with age), exec (a command), vault and aws.
//
// Nothing is opened, started or asked before the first secret is needed, and nothing at all
// while a file is only checked.
package secret
