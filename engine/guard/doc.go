// Package guard refuses runs that a person must review first. The guards, by their names in
// refusals:
//
//   - max_rejected: too many records were rejected
//   - empty stream: a stream of unknown size would be replaced with nothing
//   - max_loss: too many items would be deleted (invariant 4)
//   - max_widen: too many documents would be found by more people (invariant 5)
//   - max_growth: too many people joined a group that documents name (invariant 5)
//   - clock: this machine's clock is before the end of the last good run
//   - baseline, owner (untrusted.go): there is no usable baseline although the place holds
//     items, or another state folder wrote last
//   - datasource (recreate.go): a place that an earlier run filled no longer exists
//
// The guards query the comparison with the baseline through its methods. A Review runs all of
// them, and then again without the changes that approvals cover (approval.go). The package
// neither reads the source nor sends anything.
package guard
