// Package schema makes the JSON Schema of the pipeline file and of test suites from the
// description of their fields (config.Field), for editors. `pipe schema` prints it.
//
// It knows shapes, names and bounds, and lets every scalar be a ${VARIABLE}. What only
// the whole file shows is left to decoding, which decides.
package schema
