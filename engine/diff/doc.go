// Package diff compares the plan of a run with the output folder of an earlier run: first who
// finds what, then items that are added, removed, or have different fields. The sink's Decoder
// reads both sides, which keeps the package independent of sinks.
//
// Access is compared as the guard on exposure does it (invariant 5). Changes beyond the limit
// are counted and not kept (invariant 7).
package diff
