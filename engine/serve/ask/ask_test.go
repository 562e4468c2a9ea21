package ask_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/ask"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
	"github.com/pipe-engine/pipe/engine/serve/signin"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
)

func newWorld(t *testing.T) *servetest.World {
	t.Helper()
	w := servetest.New(t, component.Registry{
		Sources:     []component.SourceSpec[any]{filesource.Spec().Any()},
		Transforms:  []component.TransformSpec[any]{filter.Spec().Any()},
		Mapper:      mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(),
		Sinks:       []component.SinkSpec[any]{filesink.Spec().Any()},
	}, "../../../pipelines/examples/files/handbook.yaml", "")
	w.Start()
	w.Settle()
	return w
}

// caller returns a person with roles for all pipelines.
func caller(w *servetest.World, name string, roles ...signin.Role) ask.Caller {
	return ask.Caller{Server: w.Server, Pipeline: w.Server.Pipelines()[0], How: serve.ByPage,
		Who: &signin.Principal{Name: name, Person: true, Grants: []signin.Grant{{Roles: roles, Pipelines: []string{"*"}}}}}
}

// entries returns the audit log, the first entry first.
func entries(t *testing.T, w *servetest.World) (out []history.Action) {
	t.Helper()
	all, err := w.Server.History.Actions(t.Context(), "", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		out = append([]history.Action{a}, out...)
	}
	return out
}

// TestChecks: what a caller may not do or writes too long is neither performed nor in the log.
func TestChecks(t *testing.T) {
	w := newWorld(t)
	id, rules, long := "aaaabbbbcccc", strings.Repeat("0", 64), strings.Repeat("x", 501)
	if !fault.IsID(id) {
		t.Fatal(id)
	}
	ctx, all := t.Context(), caller(w, "ann", signin.Trigger, signin.Approve)
	viewer := caller(w, "eve", signin.View)
	program := caller(w, "ci", signin.Approve)
	program.Who.Person = false
	var role *ask.RoleError
	var invalid *fault.Invalid
	for name, call := range map[string]func() error{
		"trigger": func() error { _, err := viewer.Trigger(ctx, ask.RunOptions{}); return err },
		"approve": func() error { _, err := viewer.Approve(ctx, id, ""); return err },
		"rules":   func() error { _, err := viewer.AcceptRules(ctx, rules, ""); return err },
		"read":    func() error { _, err := viewer.ReadDocuments(ctx); return err },
		"program": func() error { _, err := program.Approve(ctx, id, ""); return err },
	} {
		if err := call(); !errors.As(err, &role) || role.Program != (name == "program") {
			t.Errorf("without a role, %s: %v", name, err)
		}
	}
	for name, call := range map[string]func() error{
		"ID":              func() error { _, err := all.Approve(ctx, "x", ""); return err },
		"reason":          func() error { _, err := all.Approve(ctx, id, long); return err },
		"rules":           func() error { _, err := all.AcceptRules(ctx, rules+"0", ""); return err },
		"reason of rules": func() error { _, err := all.AcceptRules(ctx, rules, long); return err },
		"mode":            func() error { _, err := ask.ParseMode("every"); return err },
	} {
		if err := call(); !errors.As(err, &invalid) || invalid.Remedy == "" {
			t.Errorf("a wrong %s: %v", name, err)
		}
	}
	if got := entries(t, w); len(got) != 0 {
		t.Errorf("the audit log: %+v", got)
	}
	if runs := w.Runs(); len(runs) != 0 {
		t.Errorf("%d runs", len(runs))
	}
}

// TestResults: the log says how each request ended, and what is not in the log is not performed.
func TestResults(t *testing.T) {
	w := newWorld(t)
	ctx, ann := t.Context(), caller(w, "ann", signin.Trigger, signin.Approve)
	if _, err := ann.Trigger(ctx, ask.RunOptions{Full: true}); err != nil {
		t.Fatal(err)
	}
	w.Ended(1)
	ann.Trigger(ctx, ask.RunOptions{Only: []string{strings.Repeat("é", 2000)}})
	reason := strings.Repeat("x", 500)
	if _, err := ann.Approve(ctx, "aaaabbbbcccc", reason); !errors.As(err, new(*serve.ConflictError)) {
		t.Errorf("a refusal that does not wait: %v", err)
	}
	ann.AcceptRules(ctx, strings.Repeat("0", 64), "")
	ann.Do(ctx, ask.Entry{Action: "break"}, func() error {
		if got := entries(t, w); got[len(got)-1].Action != "break" || got[len(got)-1].Result != "" {
			t.Errorf("while it is performed: %+v", got[len(got)-1])
		}
		return errors.New("/private/path is broken")
	})
	ann.Note(ctx, ask.Entry{Action: "look"}, nil)
	got := entries(t, w)
	for i, want := range []struct{ action, detail, result string }{
		{"trigger", "full", "done"}, {"trigger", "é", "refused: the sink has no stream"},
		{"approve", "aaaabbbbcccc " + reason, "refused: refusal aaaabbbbcccc does not wait"},
		{"accept rules", "0000", "refused: the pipeline file has changed"}, {"break", "", "failed; the log of the server"},
		{"look", "", "done"},
	} {
		if a := got[i]; a.Who != "ann" || a.Action != want.action || !strings.HasPrefix(a.Detail, want.detail) ||
			!strings.HasPrefix(a.Result, want.result) || len(a.Detail) > 1010 || len(a.Result) > 1010 ||
			strings.ContainsRune(a.Detail+a.Result, '\ufffd') {
			t.Errorf("entry %d: %+v", i, a)
		}
	}
	if err := w.Server.History.Close(); err != nil {
		t.Fatal(err)
	}
	performed := false
	if err := ann.Do(ctx, ask.Entry{}, func() error { performed = true; return nil }); err == nil || performed {
		t.Errorf("without an entry: %v, performed: %v", err, performed)
	}
	if err := ann.Note(ctx, ask.Entry{}, nil); err == nil {
		t.Error("an answer without an entry")
	}
}
