package job

import (
	"errors"
	"fmt"

	"github.com/pipe-engine/pipe/engine/page"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/report"
)

func newRecord(q Request) *report.Record {
	return &report.Record{
		Version: q.Open.Version, File: q.Open.Path, Sandbox: q.Open.Sandbox, Plugins: []report.Program{},
		Approvals: append([]string{}, q.Run.Approve...), Discarded: append([]string{}, q.Run.Discard...),
	}
}

// keep writes the record, the metrics and the page, also of a failed run. When they cannot be
// written, that becomes the error of a run without one.
func (r *Result) keep(q Request) {
	r.Record.ExitCode = int(r.Class)
	if q.ExitCode != nil {
		r.Record.ExitCode = q.ExitCode(r.Class)
	}
	if r.Err != nil {
		r.Record.Error = report.ErrorOf(r.Err)
	}
	var err error
	if q.Report != "" {
		secrets := q.Open.Secrets
		if secrets == nil {
			secrets = &redact.Redactor{}
		}
		if reportErr := r.Record.Append(q.Report, secrets); reportErr != nil {
			err = fmt.Errorf("--report: %w", reportErr)
		}
	}
	if q.Metrics != "" {
		if metricsErr := report.WriteMetrics(q.Metrics, r.Record, r.Facts()); metricsErr != nil {
			err = errors.Join(err, fmt.Errorf("--metrics-file: %w", metricsErr))
		}
	}
	if q.HTML != "" {
		p := page.RunPage(page.Run{Record: r.Record, Changes: r.changes}, q.Calls)
		if pageErr := page.WriteFile(q.HTML, p, q.Open.Secrets); pageErr != nil {
			err = errors.Join(err, fmt.Errorf("--html: %w", pageErr))
		}
	}
	switch {
	case err == nil:
	case r.Err == nil && r.Class == Done:
		r.Err, r.Class = err, Failed
	default:
		q.Open.Log.Error("a report of the run could not be written", "error", err)
	}
}
