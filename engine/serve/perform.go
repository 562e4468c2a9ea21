package serve

import (
	"context"
	"errors"
	"runtime/debug"

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
	p.mu.Lock()
	entry := &history.Run{ID: w.id, Pipeline: p.Name, Asked: w.asked, Mode: string(w.mode()), Dry: w.dry,
		Started: s.o.Clock.Now(), Class: -1, Rules: p.rules}
	text, by := p.text, w.by() // later requests may still join the run
	p.mu.Unlock()
	log := s.o.Log.With("pipeline", p.Name, "run", w.id)
	if err := s.History.Begin(ctx, entry); err != nil {
		log.Error("the run does not begin, since the history cannot be written", "error", err)
		return ctx.Err() == nil
	}
	before, err := p.held(ctx, entry.Rules)
	if err != nil {
		log.Error("the run does not send anything, since the history cannot be read", "error", err)
	}
	held := !w.dry && (before != "" || err != nil)
	log.Info("run begins", "held", held)
	result := p.job(ctx, w, text, by, held, stop)
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
	var refused *fault.Refusal
	if errors.As(result.Err, &refused) && !held {
		entry.Refusal = refused.ID
	}
	if held && (result.Err == nil || refused != nil) { // a run that failed has failed
		entry.Verdict, entry.Class = history.VerdictHeld, int(job.Refused)
		entry.Causes = append([]string{heldCause(before, entry.Rules)}, entry.Causes...)
	}
	if !w.dry && !held {
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

// job performs the run itself. A panic ends the run and not the server. A run that is held sends
// nothing.
func (p *Pipeline) job(
	ctx context.Context, w *queued, text []byte, by string, held bool, stop <-chan struct{},
) (r *job.Result) {
	o := p.server.jobOptions(p, text)
	o.RunID, o.Only = w.id, w.only
	q := job.Request{
		Open: o, Facts: true,
		Run: job.RunOptions{By: by, Publish: w.mode(), Progress: &p.tracker, Stop: stop},
	}
	if w.dry || held {
		q.Run.Until = run.Reviewed
	}
	defer func() {
		if defect := recover(); defect != nil {
			p.server.o.Log.Error("a defect in pipe ended the run", "run", w.id, "panic", defect, "stack",
				string(debug.Stack()))
			err := fault.Errorf(fault.Permanent, "report it, with the log of the server", "a defect in pipe ended the run")
			r = &job.Result{Record: &report.Record{Version: o.Version, File: o.Path, Error: report.ErrorOf(err),
				ExitCode: int(job.Failed)}, Class: job.Failed, Err: err}
		}
	}()
	return job.Run(ctx, q)
}
