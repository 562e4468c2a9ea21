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
	defer p.done()
	s := p.server
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return false
	case <-stop:
		return false
	}
	log := s.o.Log.With("pipeline", p.Name, "run", w.id)
	p.reload(ctx) // it may have waited long
	entry, text, by := p.entry(w)
	for {
		err := s.History.Begin(ctx, entry)
		if err == nil {
			break
		}
		log.Error("the run waits, since the history cannot be written", "error", err)
		if !p.pause(ctx, stop) {
			return false
		}
		p.reload(ctx)
		entry, text, by = p.entry(w)
	}
	for !w.dry { // who asked for this run must not have approved what it does
		err := p.withdrawWaiting(ctx)
		if err == nil {
			break
		}
		log.Error("the run waits, since it is not known which approvals count", "error", err)
		if !p.pause(ctx, stop) {
			return false
		}
	}
	var hold *fault.Refusal
	if !w.dry {
		hold = p.hold(ctx, entry.Rules)
	}
	log.Info("run begins", "held", hold != nil)
	result := p.job(ctx, w, text, by, hold, stop)
	p.mu.Lock()
	entry.Asked = w.asked
	p.mu.Unlock()
	entry.Ended, entry.Class, entry.Record = s.o.Clock.Now(), int(result.Class), result.Record
	if result.Report != nil {
		entry.Verdict = string(result.Report.Verdict)
	}
	code := ""
	if result.Err != nil {
		code = report.CodeOf(result.Err)
	}
	entry.Causes = append([]string{}, run.Causes(result.Err, code, result.Report)...)
	if refused := new(fault.Refusal); errors.As(result.Err, &refused) {
		entry.Refusal = refused.ID
		if hold != nil && refused.Guard == hold.Guard {
			entry.Verdict, entry.Causes[0] = history.VerdictHeld, hold.Error()
		}
	}
	if !w.dry {
		facts := result.Facts()
		facts.Lasting = p.lasting(ctx).After(result.Record, facts.Guards, entry.Ended)
		entry.Facts = &facts
	}
	// The history is written also when the context has ended.
	if err := s.History.End(context.WithoutCancel(ctx), entry); err != nil {
		log.Error("the result of the run was not stored", "error", err)
	}
	if result.Err != nil {
		log.Error("run ended", "exit_code", int(result.Class), "causes", entry.Causes)
	}
	if s.o.Observe != nil {
		s.o.Observe(entry)
	}
	if err := s.History.Prune(context.WithoutCancel(ctx), s.o.Clock.Now()); err != nil {
		log.Error("old entries of the history were not removed", "error", err)
	}
	select {
	case <-stop:
		return false
	default:
		return ctx.Err() == nil
	}
}

// entry returns the history's entry of a run that is about to begin, the text of its file, and who
// asked for it.
func (p *Pipeline) entry(w *queued) (e *history.Run, text []byte, by string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &history.Run{ID: w.id, Pipeline: p.Name, Asked: w.asked, Mode: string(w.mode()), Dry: w.dry, Only: w.only,
		Started: p.server.o.Clock.Now(), Class: -1, Rules: p.rules}, p.text, w.by() // later requests may still join the run
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
	ctx context.Context, w *queued, text []byte, by string, hold *fault.Refusal, stop <-chan struct{},
) (r *job.Result) {
	o := p.server.jobOptions(p, text)
	o.RunID, o.Only = w.id, w.only
	q := job.Request{
		Open: o, Facts: true,
		Run: job.RunOptions{By: by, Publish: w.mode(), Hold: hold, Progress: &p.tracker, Stop: stop},
	}
	if w.dry {
		q.Run.Until = run.Reviewed
	}
	var defect error
	defer func() {
		if err := defect; err != nil {
			r = &job.Result{Record: &report.Record{Version: o.Version, File: o.Path, Error: report.ErrorOf(err),
				ExitCode: int(job.Failed)}, Class: job.Failed, Err: err}
		}
	}()
	defer p.recovered("the run", &defect, "run", w.id)
	return job.Run(ctx, q)
}
