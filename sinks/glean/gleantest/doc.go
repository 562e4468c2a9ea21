// Package gleantest runs the sink against an index server of its own, for the tests of
// the sink's packages. The program does not import it.
package gleantest
