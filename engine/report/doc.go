// Package report writes a run's audit record, a line of JSON, and its metrics, a file in
// Prometheus's text format. Both describe a finished run by its run.Report, its exit code and
// its error; a run that did not begin has a record without a report.
//
// A record is redacted and escaped like all output (invariant 6). Metrics contain only numbers
// and names of the pipeline's parts.
package report
