package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/output"
	"github.com/pipe-engine/pipe/engine/page"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
)

// RunOptions are the options of a run.
type RunOptions struct {
	// Until is the act after which the run ends.
	Until run.Act
	// Approve are IDs of refusals that the user By allows, and Discard the unfinished uploads
	// that the user gives up.
	Approve, Discard []string
	By               string
	// OpenOutput opens the folder that Diff compares with; nil is output.Open.
	OpenOutput func(dir string, d component.Decoder) (*output.Written, error)
	// Hold ends the run with this refusal after its review; see run.Options.
	Hold *fault.Refusal
	// ApplyDatasource sets up the sink's place after the guards have passed.
	ApplyDatasource bool
	// Publish replaces the mode of the file; "" keeps it.
	Publish component.PublishMode
	// Timeout replaces the timeout of the file; nil keeps it.
	Timeout *time.Duration
	// Output is the folder that every stream is written to; "" for none.
	Output string
	// FromOutput is the output folder of an earlier run to publish instead of reading the
	// source; "" for none. It requires Options.NoSource.
	FromOutput string
	// Differences receives what the run would change compared with the last good run, after the
	// review; may be nil.
	Differences func(run.Differences) error
	// Wait is how long to wait until the sink has processed what was sent. MustConfirm makes
	// Run return a *fault.Unconfirmed when it has not.
	Wait        time.Duration
	MustConfirm bool
	Progress    run.Progress
	Observer    component.Observer // receives the steps of records; may be nil
	Stop        <-chan struct{}    // see run.Options
	Certain     func() error       // see run.Options
	// Ready is called when everything is open, right before the run begins. It may set Wait,
	// MustConfirm, Progress and Stop; its error ends the job. It may be nil.
	Ready func(o *RunOptions) error
}

// Request is a run with its inputs and outputs.
type Request struct {
	Open Options
	Run  RunOptions
	// Report is the file to which the record is appended as a line, and Metrics the file that
	// is replaced with the run's metrics; "" for none.
	Report, Metrics string
	// Facts reads the state folder for Result.Facts also without Metrics.
	Facts bool
	// HTML is the file that is replaced with a page about the run; "" for none. Calls completes
	// the command lines of pipe in the page.
	HTML  string
	Calls page.Calls

	// Ended is called when the run has ended, before the servers of a sandbox stop and before
	// the record is written. It may set the error of a run that has none.
	Ended func(j *Job, r *Result)
	// ExitCode returns the exit code of the program for the record; nil means that it is the
	// class.
	ExitCode func(Class) int
}

// Result is the result of a job.
type Result struct {
	Report *run.Report // nil when the run did not begin
	Record *report.Record
	Class  Class
	Err    error // nil when the class is Done or Rejected

	changes    run.Differences      // for the page
	definition *pipeline.Definition // nil when the file has errors
	remembered report.Facts         // contents of the state folder, for the metrics
}

// Run performs a run with its inputs and outputs. The result is never nil.
func Run(ctx context.Context, q Request) *Result {
	r := &Result{Record: newRecord(q), remembered: report.Facts{Hidden: -1}}
	r.run(ctx, q)
	r.Class = ClassOfRun(r.Report, r.Err)
	if r.Report == nil { // the run did not begin
		for _, note := range r.notify(ctx, q) {
			q.Open.Log.Warn(note)
		}
	}
	r.keep(q)
	return r
}

func (r *Result) run(ctx context.Context, q Request) {
	loaded := q.Open.Loaded
	q.Open.Loaded = func(d *pipeline.Definition) {
		if loaded != nil {
			loaded(d)
		}
		if !d.Problems.HasErrors() {
			r.Record.About(d)
			r.definition = d
		}
	}
	j, err := Open(ctx, q.Open)
	if err != nil {
		r.Err = err
		return
	}
	defer j.Close()
	if given := q.Run.Differences; q.HTML != "" {
		q.Run.Differences = func(d run.Differences) error {
			r.changes = d
			if given != nil {
				return given(d)
			}
			return nil
		}
	}
	r.Report, r.Err = j.Run(ctx, q.Run)
	r.Record.Report = r.Report
	if r.Report != nil {
		r.Report.Notes = append(r.Report.Notes, r.notify(ctx, q)...)
	}
	if q.Metrics != "" || q.Facts {
		r.remembered = j.facts()
	}
	if q.Ended != nil && r.Report != nil {
		q.Ended(j, r)
	}
}

// Run reads, reviews and publishes. The report is nil when the run did not begin.
func (j *Job) Run(ctx context.Context, o RunOptions) (*run.Report, error) {
	if err := bounded(j.State, j.Pipeline.Sink); err != nil {
		return nil, err
	}
	if o.ApplyDatasource {
		p, can := j.Pipeline.Sink.(component.Provisioner)
		if !can {
			return nil, &fault.Invalid{
				Reason: j.Definition.Sink.Name + " has nothing to set up", Remedy: "leave --apply-datasource out",
			}
		}
		p.ProvisionInRun(ProvisionOptions(j.Definition, false))
	}
	if o.Timeout != nil {
		j.Pipeline.Limits.Timeout = *o.Timeout
	}
	options := run.Options{
		RunID: j.RunID, FileHash: report.HashOf(j.Definition), Until: o.Until, State: j.State, Log: j.o.Log,
		Hold: o.Hold, Discard: o.Discard, Approve: o.Approve, By: o.By, Publish: o.Publish,
	}
	if o.FromOutput != "" {
		kept, err := output.OpenKept(o.FromOutput, j.Pipeline)
		if err != nil {
			return nil, err
		}
		options.Earlier = kept.Earlier()
	}
	var folder *output.Folder
	if o.Output != "" {
		var err error
		folder, err = output.Create(o.Output)
		if err != nil {
			return nil, &fault.Invalid{
				Reason: fmt.Sprintf("--output %s: %v", o.Output, err), Remedy: "name a folder that can be written",
			}
		}
		defer folder.Close()
		options.Output, options.DeadLetters = folder.Plan, folder.DeadLetter
	}
	options.Differences = func(d run.Differences) error {
		if o.Differences != nil {
			if err := o.Differences(d); err != nil {
				return err
			}
		}
		if folder != nil {
			return folder.Compared(d)
		}
		return nil
	}
	if o.Ready != nil {
		if err := o.Ready(&o); err != nil {
			return nil, err
		}
	}
	options.Act = j.span.Act
	options.Wait, options.MustConfirm, options.Progress, options.Stop = o.Wait, o.MustConfirm, o.Progress, o.Stop
	options.Observer, options.Certain = o.Observer, o.Certain
	started := time.Now()
	made, err := run.Run(ctx, j.Pipeline, options)
	j.span.End(made)
	if folder != nil {
		if err := folder.End(j.Pipeline, made); err != nil {
			j.o.Log.Error("the output cannot be published later: its manifest was not written", "error", err)
		}
	}
	j.o.Log.Info("run ended", "verdict", made.Verdict, "run", made.RunID, "seconds", time.Since(started).Seconds())
	return made, Located(j.Definition, err)
}

// ProvisionOptions returns how to treat settings that the file leaves out.
func ProvisionOptions(d *pipeline.Definition, replace bool) component.ProvisionOptions {
	return component.ProvisionOptions{Replace: replace, Cleared: func(path ...string) bool {
		n, exact := d.Document.Nearest(append([]string{"sink", d.Sink.Name}, path...)...)
		return exact && !n.IsNull() && n.Text() == "" && len(n.Items())+len(n.Entries()) == 0
	}}
}

// Located returns an error that follows from a field of the sink's block as a problem at the
// position of that field; other errors are returned unchanged.
func Located(d *pipeline.Definition, err error) error {
	var s *component.SettingError
	if !errors.As(err, &s) {
		return err
	}
	n, exact := d.Document.Nearest(append([]string{"sink", d.Sink.Name}, s.Path...)...)
	hint := fault.RemedyOf(err)
	if !exact && hint == "" {
		hint = display.Path(s.Path) + " is not written in the file: it is a default or follows from another field"
	}
	return config.Problems{n.Problem("refused", err.Error(), hint)}
}
