// Package connector knows the environment variables of the Python backstage-connector
// (github.com/nathancatania/backstage-connector). None of them is ignored: either the
// pipeline file reads the variable, or its meaning is compared with what a run would do, and
// a difference is reported with the flag or key to use.
package connector
