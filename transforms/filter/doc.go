// Package filter drops records: `keep` in the pipeline file, a condition that
// is true for what stays. What it drops is counted under the transform's name
// (invariant 3); a condition that cannot be decided rejects the record.
package filter
