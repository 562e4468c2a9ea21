// Package trace sends spans of runs to a collector by OTLP over HTTP, when the OTEL_ variables of
// the process name one: a span for each run, below it one for each act, and below the acts one for
// each request: page for a page that is read, upload for a page that is uploaded, and others.
//
// Spans have counts, IDs and the name of the pipeline, never refs, titles, addresses or secrets. A
// collector that cannot be reached does not affect the run.
package trace
