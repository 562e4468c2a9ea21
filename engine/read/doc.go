// Package read reads the source and stages what the sink will be sent. It is the first act of a
// run. The source is read phase by phase; every record goes through the transforms, the mapping
// and the permissions, and its items are staged. Nothing is sent (invariant 1). No item leaves
// without a permission decision (invariant 2), and every record ends in the Ledger in exactly
// one way (invariant 3). Look-ups see only phases that were read completely, which keeps
// results independent of timing.
package read
