// Package suite reads and runs the tests of a pipeline: a test file gives
// records and says what becomes of them and who finds it. A test is a run like
// any other up to the point where something would be sent, on records that are
// in memory and with the variables of the test file alone, so that it gives the
// same answer everywhere. No guard of volume looks at it.
package suite
