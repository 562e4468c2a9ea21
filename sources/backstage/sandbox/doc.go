// Package sandbox is a Backstage catalog API on loopback: what `pipe run
// --sandbox` reads from, and what carries the tests of the source.
//
// It answers as a real backend does where a client can tell the difference:
// the same bodies and status codes, cursors that carry order, filter and
// position but neither limit nor fields, an order by metadata.name that stays
// stable while entities come and go, unknown query parameters refused, refs
// looked up by exact match, an idle connection closed after five seconds.
// Entities are held as the bytes they came in and are passed through as such.
// `fields` is accepted and not applied; full text search is not there.
//
// Company and FromFile give catalogs to serve; Stitch makes of
// entities as people write them what a catalog serves. Options.Intercept is where
// package faults has the server fail in the ways that real ones do, for tests.
package sandbox
