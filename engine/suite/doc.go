// Package suite reads and runs the tests of a pipeline. A test file contains records, and
// states what the pipeline makes of them and who finds it. A test is a run up to the point
// where something would be sent, with records in memory and only the variables of the test
// file, which makes its result the same everywhere. Guards on volume do not apply.
package suite
