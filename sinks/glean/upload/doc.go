// Package upload publishes a plan: users, groups, the members of each group and documents,
// each stream as one bulk upload of pages.
//
// Its place in the flow: a Publisher belongs to one run. Claim decides about the unfinished
// uploads in Glean's status, and Publish sends the plan when the guards have passed. Empty
// replaces everything with nothing.
//
// Nothing depends on an answer that may be lost. The id of an upload names its run, and
// every attempt at a first page has its own id. When the answer to a page is lost, its
// outcome is determined by sending pages again or from Glean's status (recovery.go). A page
// passes through these files, which call only later ones: upload.go cuts and delivers it,
// refused.go and post.go handle its answer, recovery.go and conflict.go determine its
// outcome in Glean, request.go sends it.
//
// An upload that an earlier run left unfinished is discarded once that run is known to have
// ended, or is stale (stale.go).
//
// Invariants kept here. Nothing before everything (1): an upload's last page is sent only
// when each of its other pages was acknowledged. No mass deletion (4): an upload without
// accepted items, or whose counts do not agree, is not ended. Bounded work (7): at most
// concurrency + 1 pages are in memory.
package upload
