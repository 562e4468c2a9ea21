// Package postgrestest starts PostgreSQL for tests: a cluster of its own in a temporary folder, on a Unix
// socket and a free port of the loopback interface. Tests skip where PostgreSQL is not installed.
package postgrestest
