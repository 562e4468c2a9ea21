// Package display makes untrusted text safe for the people and programs that read pipe's output
// (invariant 6): titles, refs, responses of servers and output of plugins cannot control a
// terminal, forge a line or become a command of a CI system.
//
// There are two layers:
//
//  1. A value is escaped where it enters a line. Fprintf, Fprintln and Fprint
//     do it to each argument: it stays on one line and is at most MaxValue
//     characters long. Text that is laid out already (a table, a tree, lines
//     that were escaped one by one) has the type Block and passes.
//  2. Writer wraps stdout and stderr and escapes what did not pass the first
//     layer. It lets line breaks and tabs through, since the
//     layout needs them, and escapes everything else, as well as the
//     beginnings of workflow commands: "::" at the start of a line, "##[" and
//     "##name[" anywhere.
//
// Escapes are those of JSON (\n, \u001b, \udb40\udc41 above U+FFFF). So the
// same Writer serves --json: an escape inside a JSON string keeps its value. A
// byte that is not UTF-8 becomes U+FFFD.
//
// The program's own colours pass both layers because Paint marks them with a
// number that is random in each process; Writer removes the mark. An escape
// sequence without the mark is text from outside, and is escaped. Programs
// paint only for terminals, so a file or a pipe never receives an ESC.
//
// Wrapper is in front of Writer and breaks lines at the width of the terminal. The layout
// of what a person reads is decided there alone; other code writes lines of any length.
package display
