// Package output reads the output of a plugin and writes it to pipe's log, line by line.
// plugins/host passes it standard output, standard error and the log lines that go-plugin
// forwards.
//
// Invariants kept here. Secrets stay secret (6): secrets are redacted, control characters
// are escaped, and the attributes of a plugin are in a separate group, where they cannot
// replace pipe's. Bounded work (7): the length of a line and the number of lines a second
// are limited.
package output
