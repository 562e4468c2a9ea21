// Package faults makes a server of package sandbox misbehave, for tests: errors, broken
// and delayed answers, pages that are not what they should be. The program does not
// import it.
package faults
