// Package settings is the configuration block of the sink: what a user writes
// below sink.glean, and the checks of it.
//
// Its place in the flow: the engine decodes a Config when it loads a pipeline
// file; a Schema is what the datasource's part of it says about items, and
// judges the file's mappings before a run and the encoder's items during one.
//
// Invariants kept here. What check accepts runs (9): what Glean would refuse of
// the datasource's definitions, of icons and of mappings is a problem with its
// place in the file. Secrets stay secret (6): no message quotes a token or an
// address that may hold credentials.
package settings
