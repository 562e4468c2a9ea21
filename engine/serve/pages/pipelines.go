package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/ask"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// overview is a pipeline in the list of all, and at the top of its own page.
type overview struct {
	Name    string
	Status  serve.Status
	Outcome outcome
	Last    *history.Run // nil when it has never run
	Runs    []tick       // the oldest first
	// Documents are those of the last run that was reviewed, by who finds them.
	Documents []audience
	Waiting   *serve.Waiting
	// EditError is why the file on the disk is not used; only for visitors who may see its text.
	EditError    string
	May          map[string]bool // roles of the visitor
	ScheduleText string
}

// outcome is how a run ended, in a word and a colour of page.Tone.
type outcome struct{ Tone, Text string }

// tick is a run in the strip of the last ones.
type tick struct {
	Run     *history.Run
	Outcome outcome
}

type audience struct {
	Name string
	N    int
}

// mostTicks is how many runs the strip shows.
const mostTicks = 20

// outcomeOf returns how a run ended.
func outcomeOf(r *history.Run) outcome {
	if r == nil {
		return outcome{"", "has not run yet"}
	}
	if r.Ended.IsZero() {
		return outcome{"", "running"}
	}
	if r.Verdict == history.VerdictInterrupted {
		return outcome{"bad", "interrupted"}
	}
	if r.Verdict == history.VerdictHeld {
		return outcome{"warn", "held for a review of its rules"}
	}
	switch job.Class(r.Class) {
	case job.Done:
		if r.Dry {
			return outcome{"good", "dry run"}
		}
		return outcome{"good", "delivered"}
	case job.Rejected:
		return outcome{"warn", "delivered, some records rejected"}
	case job.Refused:
		return outcome{"bad", "refused by a guard"}
	case job.Unconfirmed:
		return outcome{"warn", "sent, not confirmed"}
	case job.Held:
		return outcome{"warn", "another run held the datasource"}
	case job.Wrong:
		return outcome{"bad", "the file or the state is wrong"}
	}
	if r.Verdict == "stopped" {
		return outcome{"warn", "stopped"}
	}
	return outcome{"bad", "failed"}
}

func (v *visit) overviewOf(p *serve.Pipeline) (*overview, error) {
	o := &overview{Name: p.Name, Status: p.Status(), May: map[string]bool{}}
	for _, role := range signin.Roles {
		o.May[string(role)] = v.session.Who.May(role, p.Name)
	}
	if o.Status.Edit != nil && o.May[string(signin.Inspect)] {
		o.EditError = o.Status.Edit.Error()
	}
	db := v.pages.server.History
	runs, err := db.Runs(v.Context(), p.Name, "", mostTicks)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		o.Runs = append([]tick{{r, outcomeOf(r)}}, o.Runs...)
	}
	if len(runs) > 0 {
		o.Last = runs[0]
	}
	o.Outcome = outcomeOf(o.Last)
	reviewed, err := db.Reviewed(v.Context(), p.Name)
	switch {
	case err == nil:
		o.Documents = audiencesOf(reviewed)
	case !errors.Is(err, history.ErrNotFound):
		return nil, err
	}
	o.Waiting, err = p.Waiting(v.Context())
	return o, err
}

func audiencesOf(r *history.Run) (out []audience) {
	for _, a := range audiences {
		if r.Documents[a] > 0 {
			out = append(out, audience{a.String(), r.Documents[a]})
		}
	}
	return out
}

type overviewPage struct {
	Pipelines []*overview
	Log       bool // the visitor may read the audit log of the whole server
}

func (o overviewPage) live() bool {
	for _, p := range o.Pipelines {
		if p.Status.Running != "" || p.Status.Queued != "" {
			return true
		}
	}
	return false
}

func (v *visit) overview() error {
	data := overviewPage{Log: v.mayReadAll()}
	for _, p := range v.pages.server.Pipelines() {
		if !v.session.Who.May(signin.View, p.Name) {
			continue
		}
		o, err := v.overviewOf(p)
		if err != nil {
			return err
		}
		data.Pipelines = append(data.Pipelines, o)
	}
	return v.render(http.StatusOK, "overview.html", "Pipelines", "", data)
}

type pipelinePage struct {
	*overview
	List  []tick // the newest first
	Older string // the ID of the last run in the list, when there may be more
}

func (p pipelinePage) live() bool { return p.Status.Running != "" || p.Status.Queued != "" }

// perPage is how many runs or actions a page lists.
const perPage = 50

func (v *visit) pipelinePage() error {
	o, err := v.overviewOf(v.pipeline)
	if err != nil {
		return err
	}
	data := pipelinePage{overview: o}
	runs, err := v.pages.server.History.Runs(v.Context(), v.pipeline.Name, v.URL.Query().Get("before"), perPage)
	if err != nil {
		return err
	}
	for _, r := range runs {
		data.List = append(data.List, tick{r, outcomeOf(r)})
	}
	if len(runs) == perPage {
		data.Older = runs[perPage-1].ID
	}
	return v.render(http.StatusOK, "pipeline.html", v.pipeline.Name, o.Outcome.Text, data)
}

type logPage struct {
	Name    string // "" for all pipelines, and for what belongs to none
	Actions []history.Action
	Older   int64
}

// log shows who did what with a pipeline.
func (v *visit) log() error {
	if err := v.need(signin.Inspect); err != nil {
		return err
	}
	return v.logOf(v.pipeline.Name, v.pipeline.Name)
}

// mayReadAll reports whether the visitor may see what all people did: who has the role inspect for
// all pipelines, also for those that this server does not run any more.
func (v *visit) mayReadAll() bool { return v.session.Who.May(signin.Inspect, signin.AllPipelines) }

// wholeLog shows who did what, with the sign-ins.
func (v *visit) wholeLog() error {
	if !v.mayReadAll() {
		return refused{http.StatusForbidden, "This needs the role inspect for all pipelines.",
			"Ask the person who runs the server."}
	}
	return v.logOf("", "Audit log")
}

func (v *visit) logOf(pipeline, title string) error {
	before, err := strconv.ParseInt(v.URL.Query().Get("before"), 10, 64)
	if err != nil {
		before = 0
	}
	actions, err := v.pages.server.History.Actions(v.Context(), pipeline, before, perPage)
	if err != nil {
		return err
	}
	data := logPage{Name: pipeline, Actions: actions}
	if len(actions) == perPage {
		data.Older = actions[perPage-1].ID
	}
	return v.render(http.StatusOK, "log.html", title, "audit log", data)
}

func (v *visit) trigger() error {
	if err := v.need(signin.Trigger); err != nil {
		return err
	}
	o, err := ask.ParseMode(v.PostFormValue("mode"))
	if err != nil {
		return err
	}
	if _, err := v.caller().Trigger(v.Context(), o); err != nil {
		return err
	}
	return v.to("/pipelines/" + url.PathEscape(v.pipeline.Name))
}
