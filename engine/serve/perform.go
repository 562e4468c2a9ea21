package serve

import (
	"context"
	"errors"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// perform runs the pipeline once. It returns false when the server stops.
func (p *Pipeline) perform(ctx context.Context, w *queued, stop <-chan struct{}) bool {
	defer p.queue.done()
	release := p.server.slot(ctx, stop)
	if release == nil {
		return false
	}
	defer release()
	entry, text := p.begin(ctx, w, stop)
	if entry == nil {
		return false
	}
	var hold *fault.Refusal
	if !w.dry {
		hold = p.hold(ctx, entry.Rules)
	}
	log := p.server.o.Log.With("pipeline", p.Name, "run", w.id)
	log.Info("run begins", "held", hold != nil)
	result := p.job(ctx, w, entry, text, hold, stop)
	if result.Err != nil {
		log.Error("run ended", "exit_code", int(result.Class), "causes", causesOf(result))
	}
	entry.Asked = p.queue.settle()
	p.complete(ctx, entry, result, hold)
	if ended(ctx, stop) && unfinished(result) {
		entry.Verdict = history.VerdictStopped
	}
	p.store(ctx, entry, stop)
	if p.server.o.Observe != nil {
		p.server.o.Observe(entry)
	}
	if err := p.server.History.Prune(context.WithoutCancel(ctx), p.server.o.Clock.Now()); err != nil {
		log.Error("old entries of the history were not removed", "error", err)
	}
	return !ended(ctx, stop)
}

// slot waits until one more run may go on, and returns what ends that; nil when the server stops.
func (s *Server) slot(ctx context.Context, stop <-chan struct{}) (release func()) {
	if ended(ctx, stop) {
		return nil
	}
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }
	case <-ctx.Done():
	case <-stop:
	}
	return nil
}

// ended reports whether the server stops.
func ended(ctx context.Context, stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return ctx.Err() != nil
	}
}

// begin stores that a run begins. It returns the run's entry in the history and the text of its
// file, and waits while the history cannot be used; nil when the server stops.
func (p *Pipeline) begin(ctx context.Context, w *queued, stop <-chan struct{}) (*history.Run, []byte) {
	for {
		p.reload(ctx, true) // it may have waited long
		file, entry := p.file.inUse(), p.queue.entry(w)
		entry.Started, entry.Rules = p.server.o.Clock.Now(), file.rules
		var err error
		if !w.dry { // who asked for this run must not have approved what it does
			err = p.withdrawAll(ctx)
		}
		if err == nil {
			err = p.server.History.Begin(ctx, entry)
		}
		if err == nil {
			return entry, file.text
		}
		p.server.o.Log.Error("the run waits, since the history or the approvals cannot be used", "pipeline", p.Name,
			"run", w.id, "error", err)
		if !p.pause(ctx, stop) {
			return nil, nil
		}
	}
}

// complete adds the result of a run to its entry.
func (p *Pipeline) complete(ctx context.Context, entry *history.Run, result *job.Result, hold *fault.Refusal) {
	entry.Ended, entry.Class, entry.Record = p.server.o.Clock.Now(), int(result.Class), result.Record
	if result.Report != nil {
		entry.Verdict = string(result.Report.Verdict)
	}
	entry.Causes = causesOf(result)
	if refused := new(fault.Refusal); errors.As(result.Err, &refused) {
		entry.Refusal = refused.ID
		if hold != nil && refused.Guard == hold.Guard {
			entry.Verdict, entry.Causes[0] = history.VerdictHeld, hold.Error()
		}
	}
	if !entry.Dry {
		facts := result.Facts()
		facts.Lasting = p.lasting(ctx).After(result.Record, facts.Guards, entry.Ended)
		entry.Facts = &facts
	}
}

func causesOf(result *job.Result) []string {
	code := ""
	if result.Err != nil {
		code = report.CodeOf(result.Err)
	}
	return append([]string{}, run.Causes(result.Err, code, result.Report)...)
}

// unfinished reports whether a run ended early since it was told to.
func unfinished(r *job.Result) bool {
	return errors.Is(r.Err, fault.ErrStopped) || errors.Is(r.Err, context.Canceled)
}

// store stores how a run ended, also when ctx has ended. It tries again until the server stops: no
// run begins before the history has this one.
func (p *Pipeline) store(ctx context.Context, entry *history.Run, stop <-chan struct{}) {
	for {
		err := p.server.History.End(context.WithoutCancel(ctx), entry)
		if err == nil {
			return
		}
		p.server.o.Log.Error("the result of the run was not stored", "pipeline", p.Name, "run", entry.ID, "error", err)
		if errors.As(err, new(*history.EncodeError)) || !p.pause(ctx, stop) {
			return
		}
	}
}

// pause waits for a while; false when the server stops.
func (p *Pipeline) pause(ctx context.Context, stop <-chan struct{}) bool {
	timer, release := p.server.o.Clock.After(reloadEvery)
	defer release()
	select {
	case <-timer:
		return true
	case <-ctx.Done():
	case <-stop:
	}
	return false
}

// lasting returns what lasts from the runs before.
func (p *Pipeline) lasting(ctx context.Context) report.Lasting {
	last, err := p.server.History.Measured(context.WithoutCancel(ctx), p.Name)
	if err != nil {
		if !errors.Is(err, history.ErrNotFound) {
			p.server.o.Log.Error("the metrics begin anew, since the history cannot be read", "pipeline", p.Name, "error", err)
		}
		return report.Lasting{}
	}
	return last.Facts.Lasting
}

// job performs the run itself. A panic ends the run and not the server. With hold it sends nothing.
func (p *Pipeline) job(
	ctx context.Context, w *queued, entry *history.Run, text []byte, hold *fault.Refusal, stop <-chan struct{},
) (r *job.Result) {
	o := p.server.jobOptions(p, text)
	o.RunID, o.Only = entry.ID, entry.Only
	q := job.Request{
		Open: o, Facts: true,
		Run: job.RunOptions{By: by(entry), Publish: w.mode(), Hold: hold, Progress: w.tracker, Stop: stop},
	}
	if entry.Dry {
		q.Run.Until = run.Reviewed
	}
	var defect error
	defer func() {
		if err := defect; err != nil {
			r = &job.Result{Record: &report.Record{Version: o.Version, File: o.Path, Error: report.ErrorOf(err),
				ExitCode: int(job.Failed)}, Class: job.Failed, Err: err}
		}
	}()
	defer p.recovered("the run", &defect, "run", entry.ID)
	return job.Run(ctx, q)
}

// by returns who asked for a run, for the ledger.
func by(r *history.Run) string {
	if len(r.Asked) == 0 {
		return ""
	}
	return r.Asked[0].By
}
