// Package output reads what a plugin prints and writes it to pipe's log, line by line.
// plugins/host gives it standard output, standard error and what go-plugin forwards.
//
// Invariants kept here. Secrets stay secret (6): secrets are redacted, control
// characters are escaped, and the attributes of a plugin stand in a group of their
// own, where they replace none of pipe's. Bounded work (7): a line has a limit, and
// so has the number of lines a second.
package output
