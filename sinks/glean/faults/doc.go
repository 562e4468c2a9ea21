// Package faults makes a server of package sandbox misbehave, for tests: wrong
// answers, lost and late ones, broken connections. The program does not import it.
package faults
