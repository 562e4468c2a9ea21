// Package read reads the source and stages what the sink will be sent: the first act of a
// run. The source is read phase by phase, every record goes through the transforms, the mapping and the permissions,
// and the
// items are staged. Nothing is sent (invariant 1). An item never leaves without
// a decision on who may find it (invariant 2), and every record ends in the
// Ledger in exactly one way (invariant 3). A record's look-ups see the phases that
// are complete, so that results never depend on timing.
package read
