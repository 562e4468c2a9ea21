package client

import (
	"context"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
)

// RunRequest says what a run does.
type RunRequest struct {
	Full   bool `json:"full"`
	DryRun bool `json:"dry_run"`
}

// Run is a run of a server.
type Run struct {
	ID      string     `json:"run"`
	Joined  bool       `json:"joined"` // it was asked for before
	Ended   *time.Time `json:"ended,omitempty"`
	Verdict string     `json:"verdict,omitempty"`
	Exit    *int       `json:"exit_code,omitempty"`
	Causes  []string   `json:"causes,omitempty"`
}

// Trigger asks for a run.
func (c *Client) Trigger(ctx context.Context, pipeline string, r RunRequest) (*Run, error) {
	run := &Run{}
	return run, c.post(ctx, path(pipeline, "/runs"), true, r, run)
}

// Wait waits until a run has ended, and sets how. It returns a Transient fault after most.
func (c *Client) Wait(ctx context.Context, pipeline string, run *Run, most time.Duration) error {
	for begun := time.Now(); ; {
		if _, err := c.get(ctx, path(pipeline, "/runs/"+run.ID), nil, run); err != nil || run.Ended != nil {
			return err
		}
		if time.Since(begun) > most {
			return fault.Errorf(fault.Transient, "wait longer, as --wait=2h; the run goes on",
				"run %s has not ended after %s", run.ID, most)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// pause waits a second.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
		return nil
	}
}

// Refusal is a refusal that waits for approval. Reasons and changes are those of the baseline's
// refusal; they need the role inspect.
type Refusal struct {
	baseline.Refusal
	Changes []fault.Change `json:"changes,omitempty"`
	Needed  int            `json:"needed"` // how many people must approve it
}

// Refusal returns the refusal that waits for approval.
func (c *Client) Refusal(ctx context.Context, pipeline string) (*Refusal, error) {
	r := &Refusal{}
	if _, err := c.get(ctx, path(pipeline, "/refusal"), nil, r); err != nil {
		return nil, err
	}
	r.Pipeline, r.Refusal.Changes, r.Counts = pipeline, r.Changes, baseline.CountChanges(r.Changes)
	return r, nil
}

// Approved is an approval that a server has stored.
type Approved struct {
	Approval baseline.Approval `json:"approval"`
	Until    time.Time         `json:"until"`
	Needed   int               `json:"needed"` // how many people must approve it
	// Missing is why the approval allows nothing yet; "" when it does.
	Missing string `json:"missing,omitempty"`
	// Run is the run that follows; "" when others must approve first, or the server is about to end.
	Run string `json:"run,omitempty"`
}

// Approve approves a refusal by its ID. It returns an *Error with the status 409 when another
// refusal waits or none, and 403 when the principal must not approve it.
func (c *Client) Approve(ctx context.Context, pipeline, id, reason string) (*Approved, error) {
	a := &Approved{}
	body := map[string]string{"reason": reason}
	return a, c.post(ctx, path(pipeline, "/refusals/"+id+"/approval"), false, body, a)
}
