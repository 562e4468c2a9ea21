// Package guard refuses runs that a person must look at first. The guards, by the name
// that a refusal has:
//
//   - max_rejected: too many records were rejected
//   - empty stream: a stream would be replaced with nothing, and its size is not known
//   - max_loss: too much would be deleted (invariant 4)
//   - max_widen: too many documents would be found by more people (invariant 5)
//   - max_growth: too many people joined a group that documents name (invariant 5)
//   - clock: this machine's clock is before the end of the last good run
//   - baseline, owner (untrusted.go): there is no usable baseline although the place
//     holds items, or another state folder wrote last
//   - datasource (recreate.go): a place that an earlier run filled is gone
//
// Each asks the comparison with the baseline and never reads its fields. A Review asks
// all of them, and then again without what approvals cover (approval.go). Nothing here
// reads the source or sends anything.
package guard
