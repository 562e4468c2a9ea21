// Package faults makes a server of package sandbox misbehave, for tests: errors, truncated
// and delayed answers, wrong pages. The program does not import it.
package faults
