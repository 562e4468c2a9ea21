package activities

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/workflows"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/state"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
)

const handbook = "../../../pipelines/examples/files/handbook.yaml"

// fleet is a folder with one pipeline, and the activities of its worker.
type fleet struct {
	*Activities
	t       *testing.T
	dir     string
	env     *testsuite.TestActivityEnvironment
	started []string // workflow IDs
	signals []any

	log bytes.Buffer
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, dir: t.TempDir()}
	text, err := os.ReadFile(handbook)
	if err != nil {
		t.Fatal(err)
	}
	f.file("payments.yaml", string(text))
	f.file("fleet.yaml", "version: 1\nfleet: larkspur\ndefaults: {task_queue: eu}\npipelines: {payments: {}}\n")
	f.records(4, 0, "")
	registry := component.Registry{Sources: []component.SourceSpec[any]{filesource.Spec().Any()},
		Transforms: []component.TransformSpec[any]{filter.Spec().Any()}, Mapper: mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(), Sinks: []component.SinkSpec[any]{filesink.Spec().Any()}}
	f.Activities = New(Options{
		Folder: f.dir, Grace: time.Minute, Starter: f, Beater: f, Log: slog.New(slog.NewTextHandler(&f.log, nil)),
		Job: job.Options{Registry: registry, Lookup: func(string) (string, bool) { return "", false }, Version: "test",
			Secrets: &redact.Redactor{}},
		State: func(context.Context, string) (state.Store, func(), error) { return f.state(), func() {}, nil },
	})
	var suite testsuite.WorkflowTestSuite
	f.env = suite.NewTestActivityEnvironment()
	f.Register(f.env)
	f.RegisterRun(f.env)
	return f
}

func (f *fleet) state() state.Store { return state.Folder(filepath.Join(f.dir, "state")) }

func (f *fleet) file(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// records writes n open pages and some restricted ones.
func (f *fleet) records(n, restricted int, more string) {
	f.t.Helper()
	text := `{"id":"canary-ann","kind":"person","name":"Canary Ann","mail":"canary@example.com"}` + "\n" +
		`{"id":"canary-team","kind":"team","name":"Canary Team","members":["canary-ann"]}` + "\n"
	for i := range n + restricted {
		visibility := `"audience":"all"`
		if i >= n {
			visibility = `"audience":"team","owner":"canary-team"`
		}
		text += fmt.Sprintf(`{"id":"canary-page-%d","kind":"page","name":"Canary Title %d",%s,"text":"canary text"}`+"\n",
			i, i, visibility)
	}
	f.file("handbook.ndjson", text+more)
}

// RecordActivityHeartbeat implements Beater.
func (f *fleet) RecordActivityHeartbeat(context.Context, []byte, ...any) error { return nil }

// started is a workflow that SignalWithStartWorkflow started.
type startedRun struct{ client.WorkflowRun }

func (startedRun) GetRunID() string { return "r" }

func (f *fleet) SignalWithStartWorkflow(_ context.Context, id, signal string, arg any, o client.StartWorkflowOptions,
	_ any, args ...any,
) (client.WorkflowRun, error) {
	f.started, f.signals = append(f.started, id), append(f.signals, signal, arg, o.Memo, args)
	return startedRun{}, nil
}

// canaryRejected is a record whose permissions cannot be decided.
const canaryRejected = `{"id":"canary-bad","kind":"page","name":"Canary","audience":"team",` +
	`"owner":{"id":"canary-team"}}` + "\n"

var job1 = workflows.Job{Fleet: "larkspur", Pipeline: "payments"}

func (f *fleet) run(in workflows.RunInput) (workflows.Report, error) {
	f.t.Helper()
	in.Job.Fleet, in.Job.Pipeline = job1.Fleet, job1.Pipeline
	value, err := f.env.ExecuteActivity(workflows.ActivityRun, in)
	var out workflows.Report
	if app := new(temporal.ApplicationError); errors.As(err, &app) {
		if app.HasDetails() {
			if err := app.Details(&out); err != nil {
				f.t.Error(err)
			}
		}
		return out, err
	}
	if err != nil {
		return out, err
	}
	return out, value.Get(&out)
}

// TestRun: a run delivers, and its report has IDs, counts and the hash of the file.
func TestRun(t *testing.T) {
	f := newFleet(t)
	r, err := f.run(workflows.RunInput{Request: workflows.Request{How: workflows.BySchedule, Full: true}})
	if err != nil {
		t.Fatal(err, f.log.String())
	}
	if r.Result != workflows.ResultDone || r.Read != 6 || !r.Sent || r.Streams["documents"] != 4 || len(r.File) != 64 ||
		len(r.Run) != 26 || r.How != workflows.BySchedule || r.Endings["delivered"] == 0 {
		t.Errorf("%+v", r)
	}
}

// TestRunRejected: a record that cannot be mapped makes the result rejected.
func TestRunRejected(t *testing.T) {
	f := newFleet(t)
	f.records(4, 0, canaryRejected)
	r, err := f.run(workflows.RunInput{})
	if err != nil || r.Result != workflows.ResultRejected || r.Endings["rejected"] != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestRunRefused: a refusal is a result with its ID and the number of its changes. Look finds its
// approval in the store, and the next run uses it.
func TestRunRefused(t *testing.T) {
	f := newFleet(t)
	f.records(60, 0, "")
	if _, err := f.run(workflows.RunInput{}); err != nil {
		t.Fatal(err)
	}
	f.records(10, 0, "")
	r, err := f.run(workflows.RunInput{})
	if err != nil || r.Result != workflows.ResultRefused || !fault.IsID(r.Refusal) || r.Changes != 50 ||
		len(r.Guards) == 0 || r.Sent {
		t.Fatalf("%+v, %v", r, err)
	}
	look := func() bool {
		t.Helper()
		value, err := f.env.ExecuteActivity(workflows.ActivityLook, workflows.ConfirmInput{Job: job1})
		if err != nil {
			t.Fatal(err)
		}
		var out workflows.Looked
		if err := value.Get(&out); err != nil {
			t.Fatal(err)
		}
		return out.Approved
	}
	if look() {
		t.Error("approved before an approval")
	}
	o := f.o.Job
	o.Path, o.Log = filepath.Join(f.dir, "payments.yaml"), slog.New(slog.DiscardHandler)
	file, err := job.Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Approve(t.Context(), f.state(), job.Approving{ID: r.Refusal, By: "ann"}); err != nil {
		t.Fatal(err)
	}
	if !look() {
		t.Error("the approval was not found")
	}
	// An approval whose refusal is not stored any more hides no other.
	store, err := baseline.Open(f.state(), "file:"+filepath.ToSlash(filepath.Join(f.dir, "out")))
	if err == nil {
		err = store.Approve(baseline.Approval{ID: strings.Repeat("a", len(r.Refusal)), By: "ann", At: time.Now()})
	}
	if err != nil {
		t.Fatal(err)
	}
	if !look() {
		t.Error("the approval was not found after another refusal was removed")
	}
	if r, err = f.run(workflows.RunInput{}); err != nil || r.Result != workflows.ResultDone {
		t.Errorf("with the approval: %+v, %v", r, err)
	}
	if look() {
		t.Error("a used approval counts again")
	}
}

// TestLookTooFew: an approval by one person of a refusal that needs two is not enough for a run.
func TestLookTooFew(t *testing.T) {
	f := newFleet(t)
	text, err := os.ReadFile(filepath.Join(f.dir, "payments.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f.file("payments.yaml", string(text)+"\nguards:\n  approvals: 2\n")
	f.records(1200, 0, "")
	if _, err := f.run(workflows.RunInput{}); err != nil {
		t.Fatal(err, f.log.String())
	}
	f.records(10, 0, "")
	r, err := f.run(workflows.RunInput{})
	if err != nil || r.Result != workflows.ResultRefused {
		t.Fatalf("%+v, %v", r, err)
	}
	o := f.o.Job
	o.Path, o.Log = filepath.Join(f.dir, "payments.yaml"), slog.New(slog.DiscardHandler)
	file, err := job.Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	done, err := file.Approve(t.Context(), f.state(), job.Approving{ID: r.Refusal, By: "ann"})
	if err != nil || done.Missing == "" || done.Needed != 2 {
		t.Fatalf("%+v, %v", done, err)
	}
	value, err := f.env.ExecuteActivity(workflows.ActivityLook, workflows.ConfirmInput{Job: job1})
	if err != nil {
		t.Fatal(err)
	}
	var out workflows.Looked
	if err := value.Get(&out); err != nil || out.Approved {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestRunWrong: a file that is wrong, that is not the pinned one, and a fleet with another name are
// never tried again.
func TestRunWrong(t *testing.T) {
	for name, change := range map[string]func(*fleet, *workflows.RunInput){
		"file":   func(f *fleet, _ *workflows.RunInput) { f.file("payments.yaml", "version: 1\nname: x\nsorce: {}\n") },
		"pinned": func(_ *fleet, in *workflows.RunInput) { in.Job.SHA256 = strings.Repeat("0", 64) },
		"fleet": func(f *fleet, _ *workflows.RunInput) {
			f.file("fleet.yaml", "version: 1\nfleet: other\ndefaults: {task_queue: eu}\npipelines: {payments: {}}\n")
		},
		"gone": func(f *fleet, _ *workflows.RunInput) {
			f.file("fleet.yaml", "version: 1\nfleet: larkspur\ndefaults: {task_queue: eu}\npipelines: {ledger: {}}\n")
		},
	} {
		f := newFleet(t)
		var in workflows.RunInput
		change(f, &in)
		r, err := f.run(in)
		app := new(temporal.ApplicationError)
		if !errors.As(err, &app) || app.Type() != workflows.Wrong || !app.NonRetryable() ||
			r.Result != workflows.ResultWrong || r.Code == "" {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if _, err := os.Stat(filepath.Join(f.dir, "out", "documents.ndjson")); err == nil {
			t.Errorf("%s: documents were sent", name)
		}
	}
}

// TestRunHeld: a place that another run holds is a result, with when it ends if that is known.
func TestRunHeld(t *testing.T) {
	f := newFleet(t)
	files, err := f.state().Open("file:" + filepath.ToSlash(filepath.Join(f.dir, "out")))
	if err != nil {
		t.Fatal(err)
	}
	held, err := files.Hold()
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.run(workflows.RunInput{})
	if err != nil || r.Result != workflows.ResultHeld {
		t.Errorf("%+v, %v, %s", r, err, f.log.String())
	}
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	if r, err = f.run(workflows.RunInput{}); err != nil || r.Result != workflows.ResultDone {
		t.Errorf("later: %+v, %v", r, err)
	}
}

// TestBegin: the workflow has the ID of the place, whatever the pipeline is called, and gets the
// request as a signal.
func TestBegin(t *testing.T) {
	f := newFleet(t)
	in := workflows.StartInput{Job: job1, Request: workflows.Request{ID: "1", How: workflows.BySchedule}}
	value, err := f.env.ExecuteActivity(workflows.ActivityBegin, in)
	if err != nil {
		t.Fatal(err, f.log.String())
	}
	var out workflows.Begun
	if err := value.Get(&out); err != nil {
		t.Fatal(err)
	}
	want := workflowID("file:" + filepath.ToSlash(filepath.Join(f.dir, "out")))
	if out.Workflow != want || out.Run != "r" || len(f.started) != 1 || f.started[0] != want {
		t.Errorf("%+v, started %v", out, f.started)
	}
	wanted := in.Request
	wanted.Job = &in.Job
	if f.signals[0] != workflows.SignalRequest || !reflect.DeepEqual(f.signals[1], wanted) {
		t.Errorf("signalled %v", f.signals)
	}
}

// TestConfirmWithoutSink: a sink that does not report what it holds has processed everything.
func TestConfirmWithoutSink(t *testing.T) {
	f := newFleet(t)
	value, err := f.env.ExecuteActivity(workflows.ActivityConfirm, workflows.ConfirmInput{Job: job1})
	if err != nil {
		t.Fatal(err)
	}
	var out workflows.Confirmed
	if err := value.Get(&out); err != nil || out != (workflows.Confirmed{}) {
		t.Errorf("%+v, %v", out, err)
	}
}

// processed is a sink that reports that it has processed everything.
type processed struct{ component.Sink }

func (processed) Inspect(context.Context) (*component.Inspection, error) {
	return &component.Inspection{History: &component.UploadHistory{By: "the sink"}}, nil
}

func (processed) InspectItem(context.Context, component.ItemQuery) (*component.ItemInspection, error) {
	return nil, nil
}

// TestConfirmWithoutBaseline: without an intact baseline it is not known what was sent, whatever the sink
// says, and the run stays unconfirmed.
func TestConfirmWithoutBaseline(t *testing.T) {
	f := newFleet(t)
	confirm := func() error {
		_, err := f.env.ExecuteActivity(workflows.ActivityConfirm, workflows.ConfirmInput{Job: job1})
		return err
	}
	refused := func(what string, err error) {
		t.Helper()
		app := new(temporal.ApplicationError)
		if !errors.As(err, &app) || app.Type() != workflows.Wrong || !strings.Contains(f.log.String(), what) {
			t.Errorf("%s: %v\n%s", what, err, f.log.String())
		}
	}
	if _, err := f.run(workflows.RunInput{}); err != nil {
		t.Fatal(err)
	}
	f.wrap(func(s component.Sink) component.Sink { return processed{s} })
	if err := confirm(); err != nil {
		t.Errorf("an intact baseline: %v", err)
	}
	all, err := filepath.Glob(filepath.Join(f.dir, "state", "*.state"))
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	if err := os.WriteFile(all[0], []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("is damaged", confirm())
	if err := os.Remove(all[0]); err != nil {
		t.Fatal(err)
	}
	refused("is missing", confirm())
}

// TestCanary: nothing that Temporal gets has a ref, a title, a text or an e-mail address: results,
// errors and their details, of runs that end in every way. A heartbeat has numbers only.
func TestCanary(t *testing.T) {
	for name, prepare := range map[string]func(*fleet){
		"done":     func(*fleet) {},
		"rejected": func(f *fleet) { f.records(4, 0, canaryRejected) },
		"refused": func(f *fleet) {
			f.records(60, 0, "")
			if _, err := f.run(workflows.RunInput{}); err != nil {
				t.Fatal(err)
			}
			f.records(10, 0, "")
		},
		"bad records": func(f *fleet) { f.file("handbook.ndjson", `{"id":"canary-x",`) },
		"no records":  func(f *fleet) { os.Remove(filepath.Join(f.dir, "handbook.ndjson")) },
		"wrong file":  func(f *fleet) { f.file("payments.yaml", "version: 1\ncanary: canary\n") },
	} {
		f := newFleet(t)
		prepare(f)
		in := workflows.RunInput{Request: workflows.Request{By: "3fa81b22c001"}}
		r, err := f.run(in)
		var all strings.Builder
		p, encErr := converter.GetDefaultDataConverter().ToPayload(r)
		if encErr != nil {
			t.Fatal(encErr)
		}
		all.Write(p.GetData())
		for ; err != nil; err = errors.Unwrap(err) {
			fmt.Fprintf(&all, "\n%v", err)
		}
		if text := strings.ToLower(all.String()); strings.Contains(text, "canary") {
			t.Errorf("%s: Temporal gets %s", name, text)
		}
	}
}

// TestRunWorkerEnds: a run that ends with its worker is given to another one at once.
func TestRunWorkerEnds(t *testing.T) {
	f := newFleet(t)
	ended := make(chan struct{})
	close(ended)
	f.env.SetWorkerStopChannel(ended)
	f.file("payments.yaml", "version: 1\nname: x\nsorce: {}\n")
	_, err := f.env.ExecuteActivity(workflows.ActivityRun, workflows.RunInput{Job: job1})
	app := new(temporal.ApplicationError)
	if !errors.As(err, &app) || app.Type() != workflows.Wrong {
		t.Errorf("a wrong file: %v", err)
	}
	f = newFleet(t)
	f.env.SetWorkerStopChannel(ended)
	f.o.State = func(ctx context.Context, _ string) (state.Store, func(), error) { return nil, nil, fault.ErrStopped }
	_, err = f.env.ExecuteActivity(workflows.ActivityRun, workflows.RunInput{Job: job1})
	if !errors.As(err, &app) || app.Type() != workflows.Stopped || app.NextRetryDelay() != againAfter {
		t.Errorf("%v, after %v", err, app.NextRetryDelay())
	}
}
