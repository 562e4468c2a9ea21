// Package run runs a pipeline once, in three acts: it reads the source into the stage, reviews
// what would be sent against the baseline, and publishes it. Run composes the packages below it
// (stage, baseline, guard, read) and owns their order:
//
//   - state.go: take the state folder and open the baseline
//   - read.go: act 1, with package read, into the stage and the plan; earlier.go: the same with
//     the output of an earlier run
//   - review.go, approvals.go, known.go: act 2, compare and let the guards decide
//   - tighten.go: what a refused run still sends
//   - publish.go, run.go: act 3, choose between everything and only the changes, write the
//     journal, and send it with the sink's session; rejections.go and hidden.go are callbacks
//     of the sink during publishing
//   - confirm.go, uploads.go, settled.go, save.go: what was delivered becomes the new baseline
//   - finish.go, report.go: the report
//
// Nothing is sent before the review has passed (invariant 1), every record that was read has
// one ending in the report (invariant 3), and the baseline is written only after every page was
// acknowledged (invariants 4 and 5).
//
// Stage ends before the review. Package operate selects from its result.
package run
