// Package contract checks recorded exchanges against Glean's own OpenAPI
// document of the Indexing API. It is for tests only. The document is laxer
// than Glean: what passes here is well-formed, not yet acceptable.
package contract
