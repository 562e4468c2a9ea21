// Package glean is the sink that fills a datasource of Glean through its Indexing API with
// users, groups, the members of each group, and documents.
//
// Its place in the flow: a session encodes items while the source is read (encode), reports
// what Glean holds during the review, and sends the plan when the guards have passed
// (upload). The Sink delegates commands outside a run to datasource and operate. This
// package joins the parts and describes the sink to the engine; it decides nothing else.
//
// Its packages import each other in one direction: api, settings, encode, upload,
// datasource, operate, glean. contract and sandbox are the other end in tests and with
// --sandbox.
//
// Invariants kept here. Nothing before everything (1): a session sends nothing before
// Publish. Only allowed requests (8): the connection that a sink opens allows none, and each
// capability allows the requests that it states (api.Client.For), so a command that only
// reads cannot change anything. The other invariants are kept in the packages that do the
// work; each names its own.
package glean
