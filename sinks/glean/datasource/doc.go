// Package datasource sets up a datasource of Glean from the pipeline file: it plans, applies
// and exports its config, and reports differences.
//
// Its place in the flow: `pipe datasource` plans and applies outside a run; a run does it
// between review and publish on request. Other runs refuse to publish to a datasource that
// differs in a setting they depend on.
//
// Invariants kept here. Nothing lost silently (3): adddatasource replaces the whole config,
// so settings that only Glean has are part of the request, and an outdated plan is not
// applied. A datasource that holds anything is never set up as new.
package datasource
