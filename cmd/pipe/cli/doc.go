// Package cli is the command line of pipe: it turns flags and files into calls of the
// engine, prints the results, and decides the exit code. Each command has one file with its
// test next to it, so the package has more files than others.
//
// Main runs the program in its own process; Run runs it with the arguments, streams and
// signals of a Host, for tests. Code that a server or a worker would need, too, is part of
// the engine.
package cli
