// Package connector knows the environment variables of the Python
// backstage-connector (github.com/nathancatania/backstage-connector), so that none
// of them is ignored: a variable is read by the pipeline file, or its meaning is
// compared with what a run would do, and a difference is reported with the flag or
// key to use.
package connector
