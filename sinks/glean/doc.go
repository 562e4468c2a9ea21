// Package glean is the sink that fills a datasource of Glean through its
// Indexing API: users, groups, the members of each group, documents, each
// upload whole.
//
// Its place in the flow: a session encodes items while the source is read
// (encode), says what Glean holds when the run is reviewed, and sends the plan
// when the guards have passed (upload). The Sink hands what people do outside a
// run on to datasource and operate. This package joins the parts and describes
// the sink to the engine; it decides nothing else.
//
// Its packages import each other one way: api, settings, encode, upload,
// datasource, operate, glean. contract and sandbox are what tests and --sandbox
// run against.
//
// Invariants kept here. Nothing before everything (1): a session sends nothing
// before Publish. Only allowed requests (8): the connection that a sink opens allows
// none, and each capability allows the requests that it states (api.Client.For), so
// that a command that only reads cannot change anything. The others are kept where
// the work is done; each package names its own.
package glean
