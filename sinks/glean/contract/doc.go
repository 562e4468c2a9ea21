// Package contract checks recorded exchanges against Glean's OpenAPI document of the
// Indexing API. It is only for tests. The document is laxer than Glean: exchanges that pass
// are well-formed, but not necessarily accepted.
package contract
