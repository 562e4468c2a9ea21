// Package e2e has the tests of a whole fleet: workers as processes, a real Temporal server,
// PostgreSQL, and sandbox servers for Backstage and Glean. They run where the environment variable
// PIPE_TEMPORAL names the program of the module in temporal; .ci/full builds it.
package e2e
