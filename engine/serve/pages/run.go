package pages

import (
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/page"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/ask"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// audiences are those of documents, from the widest.
var audiences = []access.Audience{access.AllUsers, access.DatasourceUsers, access.Listed, access.Nobody}

type runPage struct {
	Name    string
	Run     *history.Run
	Outcome outcome
	// Content has the figures and tables of the run; "" when it has none.
	Content template.HTML
	// Public reports that Content leaves the names of records out.
	Public   bool
	Progress *serve.Progress
	Queued   bool // it has not begun
	// Approval is the form for approving the refusal; nil when this visitor cannot.
	Approval *approvalForm
	// Given is what people have approved of a refusal that waits; nil when it is nothing.
	Given *baseline.Approval
	// AcceptRules reports that the run was held for its rules, and that this visitor may accept them.
	AcceptRules bool
	// RulesBefore is the hash of the rules of the last good run, when it differs.
	RulesBefore string
}

func (p runPage) live() bool { return p.Run == nil || p.Run.Ended.IsZero() }

// approvalForm is what a person approves, in numbers.
type approvalForm struct {
	ID     string
	Counts []string
	Needed int // how many people must approve
}

func (v *visit) run() error {
	id := v.PathValue("run")
	r, err := v.pipeline.Run(v.Context(), id)
	if err != nil {
		return err
	}
	if r.Verdict == history.VerdictWaiting {
		return v.render(http.StatusOK, "run.html", v.pipeline.Name, "waiting", runPage{Name: v.pipeline.Name, Queued: true})
	}
	now := v.pipeline.Status()
	data := runPage{Name: v.pipeline.Name, Run: r, Outcome: outcomeOf(r), Public: !v.may(signin.Inspect)}
	if now.Running == id {
		data.Progress = &now.Progress
	}
	if err := v.addRules(&data); err != nil {
		return err
	}
	waiting, err := v.pipeline.Waiting(v.Context())
	if err != nil {
		return err
	}
	var changes run.Differences
	if waiting != nil && waiting.Refusal.ID == r.Refusal {
		data.Given = waiting.Approval
		if data.Public {
			data.Given = data.Given.WithoutReasons()
		}
		if !data.Public {
			if changes.Gone, err = v.deleted(waiting); err != nil {
				return err
			}
		}
		if v.may(signin.Approve) {
			data.Approval = &approvalForm{waiting.Refusal.ID, countsOf(waiting.Refusal.Counts), waiting.Needed(v.pipeline)}
		}
	}
	data.AcceptRules = r.Verdict == history.VerdictHeld && now.Rules == r.Rules && v.may(signin.Approve)
	if r.Record != nil {
		if err := v.addContent(&data, changes); err != nil {
			return err
		}
	}
	return v.render(http.StatusOK, "run.html", v.pipeline.Name, data.Outcome.Text, data)
}

// deleted returns what a refusal that waits would delete.
func (v *visit) deleted(w *serve.Waiting) ([]fault.Change, error) {
	changes, err := v.pipeline.Changes(w)
	return slices.DeleteFunc(changes, func(c fault.Change) bool { return access.Class(c.After) != fault.Gone }), err
}

// addContent adds the figures and tables of a run: all of them for the role inspect, and each
// such look is in the audit log.
func (v *visit) addContent(data *runPage, changes run.Differences) error {
	record := data.Run.Record
	if data.Public {
		record, changes = publicRecord(data.Run), run.Differences{}
	} else {
		look := ask.Entry{Action: ask.LookAtRun, Run: data.Run.ID}
		if err := v.caller().Note(v.Context(), look, nil); err != nil {
			return err
		}
	}
	calls := page.Calls{}
	p := page.RunPage(page.Run{Record: record, Changes: changes, Served: true}, calls)
	content, err := page.Fragment(p, v.pages.secrets)
	data.Content = content
	return err
}

// publicRecord returns what everybody who may see that there was a run may see of it: these fields
// alone, without names of records, notes and texts of other programs.
func publicRecord(r *history.Run) *report.Record {
	record := &report.Record{Version: r.Record.Version, Sandbox: r.Record.Sandbox, ExitCode: r.Record.ExitCode}
	if rep := r.Record.Report; rep != nil {
		public := &run.Report{Pipeline: rep.Pipeline, RunID: rep.RunID, Started: rep.Started, Verdict: rep.Verdict,
			Sent: rep.Sent, Publish: rep.Publish, Approved: rep.Approved, Read: rep.Read, Endings: rep.Endings,
			Kinds: rep.Kinds, Streams: rep.Streams, Audience: rep.Audience, FirstRun: rep.FirstRun,
			Stateless: rep.Stateless, Rules: rep.Rules, Unconfirmed: rep.Unconfirmed, Paused: rep.Paused,
			Seconds: rep.Seconds}
		if since := rep.Since; since != nil {
			public.Since = &run.Since{Run: since.Run, Finished: since.Finished, SamePipeline: since.SamePipeline,
				Audience: since.Audience, Wider: since.Wider, Swapped: since.Swapped}
		}
		record.Report = public
	}
	if r.Record.Error != nil {
		record.Error = publicError(r.Record.Error.Code, r.Causes)
	}
	return record
}

// publicError returns an error with causes in place of its texts.
func publicError(code string, causes []string) *report.Error {
	var public *report.Error
	for _, cause := range slices.Backward(causes) {
		public = &report.Error{Code: code, Message: cause, Also: public}
	}
	return public
}

// addRules notes when the rules differ from those of the last good run.
func (v *visit) addRules(data *runPage) error {
	runs, err := v.pages.server.History.Runs(v.Context(), v.pipeline.Name, data.Run.ID, perPage)
	if err != nil {
		return err
	}
	for _, before := range runs {
		if before.Good() {
			if before.Rules != data.Run.Rules && before.Rules != "" && data.Run.Rules != "" {
				data.RulesBefore = before.Rules
			}
			return nil
		}
	}
	return nil
}

// countsOf returns what a refusal would change, by stream.
func countsOf(all []baseline.ChangeCount) (out []string) {
	counts := map[string]int{}
	for _, c := range all {
		what := c.Stream + " found by more people"
		switch c.After {
		case fault.Gone:
			what = c.Stream + " deleted"
		case fault.Added:
			what = c.Stream + " with newcomers"
		}
		counts[what] += c.Items
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, display.Number(counts[what])+" "+what)
	}
	return out
}

// acceptRules accepts the rules of a run that was held.
func (v *visit) acceptRules() error {
	t, err := v.caller().AcceptRules(v.Context(), v.PathValue("rules"), v.PostFormValue("reason"))
	if err != nil {
		return err
	}
	return v.toRun(t.Run)
}

func (v *visit) approve() error {
	a, err := v.caller().Approve(v.Context(), v.PathValue("refusal"), v.PostFormValue("reason"))
	if err != nil {
		return err
	}
	return v.toRun(a.Run)
}

// toRun sends the browser to the page of a run; to that of the pipeline when there is none yet.
func (v *visit) toRun(id string) error {
	path := "/pipelines/" + url.PathEscape(v.pipeline.Name)
	if id == "" {
		return v.to(path)
	}
	return v.to(path + "/runs/" + id)
}
