// Package diff compares the plan of a run with an output folder that an earlier run
// wrote: who finds what first, then items that come, go, or have other fields. The
// sink's Decoder reads both sides, so the package knows no sink.
//
// Access is compared as the guard on exposure does it (invariant 5). Changes beyond
// the limit are counted and not kept (invariant 7).
package diff
