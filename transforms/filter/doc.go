// Package filter drops records: `keep` in the pipeline file is a condition that is true for
// the records that stay. Dropped records are counted under the transform's name (invariant
// 3); a condition that cannot be decided rejects the record.
package filter
