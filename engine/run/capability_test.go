package run

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
)

// holder is a transform that must be started, and a transform that wraps it.
type holder struct {
	component.Transform
	calls []string
	err   error
}

func (h *holder) Start(context.Context) error {
	h.calls = append(h.calls, "start")
	return h.err
}

func (h *holder) Apply(ctx context.Context, w *component.Worker, records []*component.Record) ([]component.Outcome,
	error) {
	if len(h.calls) == 1 {
		h.calls = append(h.calls, "apply")
	}
	return h.Transform.Apply(ctx, w, records)
}

func (h *holder) Notes() []string { return []string{"the holder has something to say"} }

type wrapper struct{ component.Transform }

func (w wrapper) Unwrap() component.Transform { return w.Transform }

// TestStarter: a transform is started once, before the first record, also when it is wrapped.
// An error of Start ends the run before anything is read or sent. The transform's notes are in
// the report.
func TestStarter(t *testing.T) {
	for _, err := range []error{nil, errors.New("it is out of order")} {
		w := newWorld(t)
		w.P.Limits.Workers = 1
		w.Add("catalog", "component", "c", "fine")
		w.Add("identities", "user", "u", "fine")
		h := &holder{Transform: w.P.Transforms[0], err: err}
		w.P.Transforms[0] = wrapper{h}
		report, got := w.run(t)
		if err != nil {
			if !errors.Is(got, err) || !strings.Contains(got.Error(), `transform "`+h.Name()+`": `) || report.Read > 0 || w.Store.Sent() ||
				len(h.calls) != 1 {
				t.Errorf("%v, read %d, %v", got, report.Read, h.calls)
			}
			continue
		}
		if got != nil || strings.Join(h.calls, " ") != "start apply" ||
			!strings.Contains(strings.Join(report.Notes, "\n"), "the holder has something to say") {
			t.Errorf("%v, %v, %q", got, h.calls, report.Notes)
		}
	}
}

func TestCapability(t *testing.T) {
	h := &holder{}
	if got, ok := component.Capability[component.Starter](wrapper{wrapper{h}}); !ok || got != component.Starter(h) {
		t.Error("the capability behind two wrappers was not found")
	}
	if _, ok := component.Capability[component.Prober](wrapper{h}); ok {
		t.Error("a capability was found that nobody has")
	}
	if _, ok := component.Capability[component.Starter](nil); ok {
		t.Error("nothing has no capability")
	}
}
