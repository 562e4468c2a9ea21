// Package metrics counts what a server does and writes it in Prometheus's text format. The gauges
// about the last run of a pipeline are those of package report, which pipe run --metrics-file
// writes, too; they come back from the history after a restart. Counters begin at 0.
//
// Metrics contain only numbers and the names of pipelines and their parts, never refs or titles.
package metrics
