// Package dotenv reads a file of variables, one NAME=VALUE a line, and refuses
// what it cannot read with certainty: such a file holds credentials, and a value
// that is not the one that was written shows up as a refused token much later.
//
// A value ends at the end of its line or at " #". Single quotes keep everything
// between them as written. Double quotes allow several lines and \n, \r, \t, \",
// \\ and \$. Outside single quotes ${NAME} is replaced when an earlier line or
// the environment sets NAME; every other $ stays as written.
//
// No error quotes a value (invariant 6).
package dotenv
