// Package dotenv reads a file of variables, one NAME=VALUE per line. It refuses what it cannot
// read with certainty: such a file contains credentials, and a value that differs from the
// written one would show up much later as a refused token.
//
// A value ends at the end of its line or at " #". Text in single quotes is taken literally.
// Double quotes allow several lines and \n, \r, \t, \", \\ and \$. Outside single quotes,
// ${NAME} is replaced when an earlier line or the environment sets NAME; every other $ is
// literal.
//
// No error quotes a value (invariant 6).
package dotenv
