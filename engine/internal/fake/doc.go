// Package fake provides components for the tests of the engine: a company as the source, fates
// as transform, mapping and permissions, and a store as the sink. Tests configure what each
// does.
package fake
