// Package sandbox is a Backstage catalog API on loopback: the source of `pipe run --sandbox`
// and of the tests.
//
// It answers like a real backend wherever a client can see the difference: the same bodies
// and status codes, cursors that carry order, filter and position but neither limit nor
// fields, an order by metadata.name that stays stable while entities come and go, unknown
// query parameters refused, refs looked up by exact match, an idle connection closed after
// five seconds. Entities are stored and served as raw bytes. `fields` is accepted and not
// applied; full text search is not implemented.
//
// Company and FromFile return catalogs to serve; Stitch turns entities of catalog files into
// what a catalog serves. Package faults uses Options.Intercept to make the server fail as
// real ones do, for tests.
package sandbox
