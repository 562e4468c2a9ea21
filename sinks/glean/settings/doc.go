// Package settings is the configuration of the sink: the block sink.glean and its checks.
//
// Its place in the flow: the engine decodes a Config when it loads a pipeline file. A Schema
// holds the datasource's rules for items; it checks the file's mappings before a run and the
// encoder's items during one.
//
// Invariants kept here. What check accepts runs (9): definitions of the datasource, icons
// and mappings that Glean would refuse are problems with a position in the file. Secrets
// stay secret (6): no message quotes a token or an address that may contain credentials.
package settings
