// Package guard refuses runs that a person must look at first. Each guard has a file
// and asks the comparison with the baseline: too many rejections, losses (invariant
// 4), widenings (invariant 5), a place without a usable baseline or of another owner,
// and a place that is not set up as new. A Review asks all of them, and then again
// without what approvals cover. Nothing here reads the source or sends anything.
package guard
