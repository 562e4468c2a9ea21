package ask

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// The actions of the audit log.
const (
	Trigger       = "trigger"
	Approve       = "approve"
	AcceptRules   = "accept rules"
	LookAtRun     = "look at a run"
	LookAtRefusal = "look at a refusal"
	SignOut       = "sign out"
)

// maxReason is the maximum size of a reason in bytes.
const maxReason = 500

func checkReason(reason string) error {
	if len(reason) > maxReason {
		return &fault.Invalid{Reason: fmt.Sprintf("the reason has %d bytes", len(reason)),
			Remedy: fmt.Sprintf("write at most %d", maxReason)}
	}
	return nil
}

// RunOptions are how a run is asked for; see serve.Request.
type RunOptions struct {
	Full, Dry bool
	Only      []string
}

// ParseMode returns the options of a form: "", full or dry.
func ParseMode(mode string) (RunOptions, error) {
	switch mode {
	case "":
		return RunOptions{}, nil
	case "full":
		return RunOptions{Full: true}, nil
	case "dry":
		return RunOptions{Dry: true}, nil
	}
	return RunOptions{}, &fault.Invalid{Reason: "the mode is not known", Remedy: "leave it empty, or write full or dry"}
}

// detail returns the options for the audit log.
func (o RunOptions) detail() string {
	var words []string
	if o.Dry {
		words = append(words, "dry")
	}
	if o.Full {
		words = append(words, "full")
	}
	return strings.Join(append(words, o.Only...), " ")
}

// Trigger asks for a run, as Pipeline.Trigger does. It needs the role trigger.
func (c Caller) Trigger(ctx context.Context, o RunOptions) (t serve.Ticket, err error) {
	if err := c.Need(signin.Trigger); err != nil {
		return t, err
	}
	err = c.Do(ctx, Entry{Action: Trigger, Detail: o.detail()}, func() (err error) {
		t, err = c.Pipeline.Trigger(serve.Request{By: c.Who.Name, Person: c.Who.Person, Identity: c.Who.Identity, How: c.How,
			Full: o.Full, Dry: o.Dry, Only: o.Only})
		return err
	})
	return t, err
}

// Approval is what an approval has come to.
type Approval struct {
	*baseline.Approval
	// Needed is how many people must approve, and Missing what is missing; "" when they are enough.
	Needed  int
	Missing string
	Until   time.Time
	Run     string // the ID of the run that was asked for; "" while people are missing
}

// Approve approves a refusal, as Pipeline.Approve does. It needs the role approve.
func (c Caller) Approve(ctx context.Context, id, reason string) (out Approval, err error) {
	if err := c.Need(signin.Approve); err != nil {
		return out, err
	}
	if !fault.IsID(id) {
		return out, &fault.Invalid{Reason: "this is not the ID of a refusal", Remedy: "copy it from the refused run"}
	}
	if err := checkReason(reason); err != nil {
		return out, err
	}
	err = c.Do(ctx, Entry{Action: Approve, Detail: strings.TrimSpace(id + " " + reason)}, func() error {
		waiting, err := c.Pipeline.Waiting(ctx)
		if err != nil {
			return err
		}
		a, t, err := c.Pipeline.Approve(ctx, id, c.approver(reason))
		if err != nil {
			return err
		}
		out = Approval{Approval: a, Until: a.Until(), Run: t.Run}
		if waiting != nil {
			out.Needed, out.Missing = waiting.Needed(c.Pipeline), waiting.Missing(c.Pipeline, a)
		}
		return nil
	})
	return out, err
}

// rulesPattern is the form of pipeline.Definition.RulesHash.
var rulesPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// AcceptRules accepts the rules of a run that was held, as Pipeline.AcceptRules does. It needs the
// role approve.
func (c Caller) AcceptRules(ctx context.Context, rules, reason string) (t serve.Ticket, err error) {
	if err := c.Need(signin.Approve); err != nil {
		return t, err
	}
	if !rulesPattern.MatchString(rules) {
		return t, &fault.Invalid{Reason: "this is not the hash of rules", Remedy: "copy it from the run that was held"}
	}
	if err := checkReason(reason); err != nil {
		return t, err
	}
	err = c.Do(ctx, Entry{Action: AcceptRules, Detail: strings.TrimSpace(rules + " " + reason)}, func() (err error) {
		t, err = c.Pipeline.AcceptRules(ctx, rules, c.approver(reason))
		return err
	})
	return t, err
}

// approver returns the caller as one who approves.
func (c Caller) approver(reason string) serve.Approver {
	return serve.Approver{Name: c.Who.Name, Proven: c.Who.Proven, Identity: c.Who.Identity, Reason: reason}
}

// ReadDocuments begins to read the documents to search, as Pipeline.ReadIndex does, and returns the
// state after that. It needs the role inspect.
func (c Caller) ReadDocuments(ctx context.Context) (now serve.SearchStatus, err error) {
	if err := c.Need(signin.Inspect); err != nil {
		return now, err
	}
	err = c.Do(ctx, Entry{Action: serve.ActRead}, func() error {
		err := c.Pipeline.ReadIndex()
		now = c.Pipeline.SearchStatus()
		return err
	})
	return now, err
}
