// Package datasource sets a datasource of Glean up as the pipeline file says:
// it plans, applies and exports its config, and says what differs.
//
// Its place in the flow: `pipe datasource` plans and applies outside a run, and a
// run does it between review and publish when it is asked to. A run that is not
// asked refuses to publish to a datasource that differs in what it depends on.
//
// Invariants kept here. Nothing lost silently (3): adddatasource replaces the
// whole config, so that what only Glean has is part of what is sent, and a plan
// that no longer holds is not applied. A datasource that holds anything is never
// set up as new.
package datasource
