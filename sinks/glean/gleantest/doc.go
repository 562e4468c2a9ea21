// Package gleantest runs the sink against its own index server, for the tests of the sink's
// packages. The program does not import it.
package gleantest
