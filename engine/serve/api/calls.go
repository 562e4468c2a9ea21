package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/ask"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// pipelineStatus is what a pipeline does now.
type pipelineStatus struct {
	Name     string          `json:"name"`
	Running  string          `json:"running,omitempty"`
	Queued   string          `json:"queued,omitempty"`
	Progress *serve.Progress `json:"progress,omitempty"`
	Next     time.Time       `json:"next,omitzero"`
	// FileError is why the file on the disk is not used. Without the role inspect it only says
	// that there is a reason.
	FileError string       `json:"file_error,omitempty"`
	LastRun   *history.Run `json:"last_run,omitempty"`
	// Waiting is the ID of the refusal that waits for approval.
	Waiting string `json:"waiting,omitempty"`
}

func (c *call) statusOf(p *serve.Pipeline) (*pipelineStatus, error) {
	now := p.Status()
	s := &pipelineStatus{Name: p.Name, Running: now.Running, Queued: now.Queued, Next: now.Next}
	if now.Running != "" {
		s.Progress = &now.Progress
	}
	if now.Edit != nil {
		s.FileError = "the file cannot be used; the role inspect sees why"
		if c.who.May(signin.Inspect, p.Name) {
			s.FileError = now.Edit.Error()
		}
	}
	runs, err := c.api.server.History.Runs(c.Context(), p.Name, "", 1)
	if err != nil {
		return nil, err
	}
	if len(runs) > 0 {
		s.LastRun = runs[0]
	}
	waiting, err := p.Waiting(c.Context())
	if err == nil && waiting != nil {
		s.Waiting = waiting.Refusal.ID
	}
	return s, err
}

func (c *call) pipelines() (int, any, error) {
	all := []*pipelineStatus{}
	for _, p := range c.api.server.Pipelines() {
		if !c.who.May(signin.View, p.Name) {
			continue
		}
		s, err := c.statusOf(p)
		if err != nil {
			return 0, nil, err
		}
		all = append(all, s)
	}
	return http.StatusOK, map[string]any{"pipelines": all}, nil
}

func (c *call) status() (int, any, error) {
	s, err := c.statusOf(c.pipeline)
	return http.StatusOK, s, err
}

func (c *call) runs() (int, any, error) {
	limit, err := c.limit()
	if err != nil {
		return 0, nil, err
	}
	runs, err := c.api.server.History.Runs(c.Context(), c.pipeline.Name, c.URL.Query().Get("before"), limit)
	return http.StatusOK, map[string]any{"runs": runs}, err
}

// run returns a run with its numbers, and with the role inspect its whole report.
func (c *call) run() (int, any, error) {
	r, err := c.pipeline.Run(c.Context(), c.PathValue("run"))
	if err != nil {
		return 0, nil, err
	}
	answer := struct {
		*history.Run
		Numbers *serve.Numbers `json:"numbers,omitempty"`
		Report  any            `json:"report,omitempty"`
	}{Run: r, Numbers: serve.NumbersOf(r)}
	if c.who.May(signin.Inspect, c.pipeline.Name) && r.Record != nil {
		if err := c.caller.Note(c.Context(), ask.Entry{Action: ask.LookAtRun, Run: r.ID}, nil); err != nil {
			return 0, nil, err
		}
		answer.Report = r.Record
	}
	return http.StatusOK, answer, nil
}

func (c *call) trigger() (int, any, error) {
	var body struct {
		DryRun bool     `json:"dry_run"`
		Full   bool     `json:"full"`
		Only   []string `json:"only"`
	}
	if err := c.body(&body); err != nil {
		return 0, nil, err
	}
	t, err := c.caller.Trigger(c.Context(), ask.RunOptions{Dry: body.DryRun, Full: body.Full, Only: body.Only})
	return http.StatusAccepted, t, err
}

// refusal returns the refusal that waits for approval, and with the role inspect the changes
// that it lists.
func (c *call) refusal() (int, any, error) {
	waiting, err := c.pipeline.Waiting(c.Context())
	if err != nil {
		return 0, nil, err
	}
	if waiting == nil {
		return http.StatusNotFound, newProblem("not_found", "no refusal of "+c.pipeline.Name+" waits for approval", ""), nil
	}
	answer := struct {
		ID      string         `json:"id"`
		Run     string         `json:"run"`
		At      time.Time      `json:"at"`
		Causes  []string       `json:"causes"`
		Counts  map[string]int `json:"counts"`
		Needed  int            `json:"needed"`
		Reasons []string       `json:"reasons,omitempty"`
		Changes []fault.Change `json:"changes,omitempty"`

		Approval *baseline.Approval `json:"approval,omitempty"`
	}{ID: waiting.Refusal.ID, Run: waiting.Run.ID, At: waiting.Refusal.At, Causes: waiting.Run.Causes,
		Approval: waiting.Approval.WithoutReasons(), Counts: map[string]int{}, Needed: waiting.Needed(c.pipeline)}
	for _, one := range waiting.Refusal.Counts {
		answer.Counts[one.Stream] += one.N
	}
	if c.who.May(signin.Inspect, c.pipeline.Name) {
		look := ask.Entry{Action: ask.LookAtRefusal, Run: waiting.Run.ID, Detail: waiting.Refusal.ID}
		if err := c.caller.Note(c.Context(), look, nil); err != nil {
			return 0, nil, err
		}
		answer.Approval = waiting.Approval
		answer.Reasons = waiting.Refusal.Reasons
		if answer.Changes, err = c.pipeline.Changes(waiting); err != nil {
			return 0, nil, err
		}
	}
	return http.StatusOK, answer, nil
}

func (c *call) approve() (int, any, error) {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := c.body(&body); err != nil {
		return 0, nil, err
	}
	a, err := c.caller.Approve(c.Context(), c.PathValue("refusal"), body.Reason)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, struct {
		Approval *baseline.Approval `json:"approval"`
		Until    time.Time          `json:"until"`
		Needed   int                `json:"needed,omitzero"`
		Missing  string             `json:"missing,omitempty"`
		Run      string             `json:"run,omitempty"`
	}{a.Approval, a.Until, a.Needed, a.Missing, a.Run}, nil
}

// acceptRules accepts the rules of a run that was held.
func (c *call) acceptRules() (int, any, error) {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := c.body(&body); err != nil {
		return 0, nil, err
	}
	t, err := c.caller.AcceptRules(c.Context(), c.PathValue("rules"), body.Reason)
	if err != nil {
		return 0, nil, err
	}
	answer := struct {
		Run string `json:"run,omitempty"`
	}{t.Run}
	return http.StatusOK, answer, nil
}

func (c *call) actions() (int, any, error) {
	limit, err := c.limit()
	if err != nil {
		return 0, nil, err
	}
	var before int64
	if text := c.URL.Query().Get("before"); text != "" {
		if before, err = strconv.ParseInt(text, 10, 64); err != nil {
			return 0, nil, badRequest{"before is " + short(text), "write the id of an action"}
		}
	}
	actions, err := c.api.server.History.Actions(c.Context(), c.pipeline.Name, before, limit)
	return http.StatusOK, map[string]any{"actions": actions}, err
}
