// Package print prints the results of the engine for people: reports of runs, diffs,
// explanations, plans and refusals, as tables and trees. Its functions write to a
// writer, with a Style, and do nothing else. Values from outside go through package
// display, which escapes them (invariant 6).
package print
