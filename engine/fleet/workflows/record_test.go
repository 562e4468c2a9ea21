package workflows

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/pipe-engine/pipe/engine/fleet/payload"
)

var (
	update   = flag.Bool("update", false, "record the histories of the current code")
	address  = flag.String("temporal", "", "the address of a Temporal server, for -update")
	recordAs = flag.String("as", unreleased, "the version to record, for -update")
)

// unreleased is the folder of the code after the last release. A release renames it.
const unreleased = "unreleased"

// knownString matches the strings that payloads may have: names of the fleet, IDs, digests, words of
// this package, codes and times.
var knownString = regexp.MustCompile(`^([a-z][a-z0-9 _-]{0,30}|[0-9A-Z]{1,26}|[0-9a-f]{12,64}|` +
	`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9T:.Z-]{20,30}|pipe/[a-z0-9.-]+|code [a-z-]+|[a-z2-7]{12})?$`)

// scenario is a workflow to record.
type scenario struct {
	name, since string
	kind        string // "" is Pipeline
	// run, confirm and look are what the activities answer, one for each call; the last one repeats.
	run     []any // Report or error
	confirm []any
	look    []any
	// signals are sent one after another; the first starts the workflow.
	signals    []Request
	cancel     time.Duration // 0: it ends by itself
	confirmFor time.Duration
	attributes bool
}

func scenarios() []scenario {
	done := Report{Run: "01A", Result: ResultDone, Sent: true, Read: 90, Streams: map[string]int{"documents": 56}}
	sent := done
	sent.Pending = 1
	refused := Report{Run: "01A", Result: ResultRefused, Code: "refused", Refusal: "mqmy6t3w2zx4", Changes: 57,
		Guards: []string{"owner"}}
	transient := failure(Transient, temporal.ApplicationErrorOptions{NextRetryDelay: time.Second})
	return []scenario{
		{name: "done", run: []any{done}},
		{name: "refused", run: []any{refused}},
		{name: "retried", run: []any{transient, transient, done}},
		{name: "fatal", run: []any{failure(Fatal, temporal.ApplicationErrorOptions{Details: []any{done}})}},
		{name: "held", run: []any{Report{Result: ResultHeld}, done}},
		{name: "confirmed", run: []any{sent}, confirm: []any{Confirmed{Pending: 1}, Confirmed{}}},
		{name: "unconfirmed", run: []any{sent}, confirm: []any{Confirmed{Paused: 1}}, confirmFor: 90 * time.Second},
		{name: "confirm-fails", run: []any{sent},
			confirm: []any{failure(Fatal, temporal.ApplicationErrorOptions{}), Confirmed{}}},
		{name: "lost", run: []any{sent, done}, confirm: []any{Confirmed{Lost: 1}}},
		{name: "superseded", run: []any{sent, done}, confirm: []any{Confirmed{Pending: 1}},
			signals: []Request{{ID: "1", How: BySchedule}, {ID: "2", How: ByPerson, By: "3fa81b22c001"}}},
		{name: "hint-while-confirming", run: []any{sent}, confirm: []any{Confirmed{}},
			signals: []Request{{ID: "1", How: BySchedule}, {ID: "2", How: ByApproval}}},
		{name: "approved", run: []any{done}, look: []any{Looked{true}}, signals: []Request{{ID: "1", How: ByApproval}}},
		{name: "not-approved", look: []any{Looked{false}}, signals: []Request{{ID: "1", How: ByApproval}}},
		{name: "cancelled-run", run: []any{nil}, cancel: 2 * time.Second},
		{name: "cancelled-confirm", run: []any{sent}, confirm: []any{Confirmed{Pending: 1}}, cancel: 5 * time.Second},
		{name: "cancelled-held", run: []any{Report{Result: ResultHeld}}, cancel: 5 * time.Second},
		{name: "attributes", run: []any{sent}, confirm: []any{Confirmed{}}, attributes: true},
		{name: "start", kind: TypeStart},
	}
}

// script answers the activities of a scenario.
type script struct {
	scenario
	mu    sync.Mutex
	calls map[string]int
	begun chan struct{} // closed when the workflow is started, or cannot be
}

func (s *script) answer(ctx context.Context, activity string, from []any) (any, error) {
	s.mu.Lock()
	n := s.calls[activity]
	s.calls[activity]++
	s.mu.Unlock()
	switch answer := from[min(n, len(from)-1)].(type) {
	case nil: // until it is cancelled
		return Report{}, awaitCancel(ctx)
	case error:
		return nil, answer
	default:
		return answer, nil
	}
}

func awaitCancel(ctx context.Context) error {
	for ctx.Err() == nil {
		activity.RecordHeartbeat(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second / 2):
		}
	}
	return temporal.NewCanceledError()
}

// TestRecord records the histories of the current code with a real server:
//
//	(cd cmd/pipe-worker/e2e/temporal && go run . serve --file /tmp/t.db --port 7233 \
//		--keywords PipePipeline,PipeTeam,PipeRegion,PipeResult) &
//	go test ./engine/fleet/workflows -run TestRecord -update -temporal 127.0.0.1:7233
//
// A release renames the folder unreleased to its version.
func TestRecord(t *testing.T) {
	if !*update {
		t.Skip("records only with -update")
	}
	keys := testKeys(t)
	c, err := client.Dial(client.Options{HostPort: *address, Identity: "worker", Namespace: "fleet",
		DataConverter:    payload.DataConverter(keys),
		FailureConverter: payload.FailureConverter(keys)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	folder := filepath.Join(histories, *recordAs)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, s := range scenarios() {
		begun := make(chan struct{}) // one after another: the server would answer too late
		wg.Go(func() { record(t, c, &script{scenario: s, calls: map[string]int{}, begun: begun}, folder) })
		<-begun
	}
	wg.Wait()
}

func record(t *testing.T, c client.Client, s *script, folder string) {
	end := sync.OnceFunc(func() { close(s.begun) })
	defer end()
	queue := "record-" + s.name
	w, runs := worker.New(c, queue, worker.Options{}), worker.New(c, RunQueue(queue), worker.Options{})
	register := func(name string, f any) {
		for _, one := range []worker.Worker{w, runs} {
			one.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
		}
	}
	register(ActivityRun, func(ctx context.Context, _ RunInput) (any, error) {
		return s.answer(ctx, ActivityRun,
			s.run)
	})
	register(ActivityConfirm, func(ctx context.Context, _ ConfirmInput) (any, error) {
		return s.answer(ctx, ActivityConfirm, s.confirm)
	})
	register(ActivityLook, func(ctx context.Context, _ ConfirmInput) (any, error) {
		return s.answer(ctx, ActivityLook, s.look)
	})
	register(ActivityBegin, func(context.Context, StartInput) (Begun, error) {
		return Begun{Workflow: "pipe/glean.example.com-backstage-01234567",
			Run: "01234567-89ab-cdef-0123-456789abcdef"}, nil
	})
	w.RegisterWorkflowWithOptions(Pipeline, workflow.RegisterOptions{Name: TypePipeline})
	w.RegisterWorkflowWithOptions(Start, workflow.RegisterOptions{Name: TypeStart})
	for _, one := range []worker.Worker{w, runs} {
		if err := one.Start(); err != nil {
			t.Error(err)
			return
		}
		defer one.Stop()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	first, err := s.begin(ctx, c, queue, end)
	if err != nil {
		t.Errorf("%s: %v", s.name, err)
		return
	}
	_ = c.GetWorkflow(ctx, first.GetID(), first.GetRunID()).GetWithOptions(ctx, nil,
		client.WorkflowRunGetOptions{DisableFollowingRuns: true})
	history := &historypb.History{}
	events := c.GetWorkflowHistory(ctx, first.GetID(), first.GetRunID(), false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			return
		}
		history.Events = append(history.Events, event)
	}
	text, err := protojson.MarshalOptions{Multiline: true, Indent: " "}.Marshal(history)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, s.name+".json"), append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

// awaitConfirm waits until the run of a workflow has ended and the sink is asked.
func awaitConfirm(ctx context.Context, c client.Client, id string) error {
	for {
		var now Progress
		answer, err := c.QueryWorkflow(ctx, id, "", QueryProgress) // fails until the worker polls
		if err == nil && answer.Get(&now) == nil && now.Stage == StageConfirm {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second / 4): // a query has no event
		}
	}
}

// begin starts the workflow of a scenario, calls begun, and sends its signals.
func (s *script) begin(ctx context.Context, c client.Client, queue string, begun func()) (client.WorkflowRun, error) {
	job := testJob
	job.Attributes = s.attributes
	if s.confirmFor > 0 {
		job.Limits.Confirm = s.confirmFor
	}
	o := client.StartWorkflowOptions{ID: "record/" + s.name + "/" + time.Now().Format("150405"), TaskQueue: queue}
	if s.kind == TypeStart {
		return c.ExecuteWorkflow(ctx, o, TypeStart, StartInput{Job: job, Request: Request{How: BySchedule}})
	}
	signals := s.signals
	if signals == nil {
		signals = []Request{{ID: "1", How: BySchedule}}
	}
	var first client.WorkflowRun
	for i, signal := range signals {
		if i > 0 {
			if err := awaitConfirm(ctx, c, o.ID); err != nil {
				return nil, err
			}
			if err := c.SignalWorkflow(ctx, o.ID, "", SignalRequest, signal); err != nil {
				return nil, err
			}
			continue
		}
		var err error
		if first, err = c.SignalWithStartWorkflow(ctx, o.ID, SignalRequest, signal, o, TypePipeline,
			Input{Job: job}); err != nil {
			return nil, err
		}
		begun()
	}
	if s.cancel > 0 {
		time.Sleep(s.cancel)
		return first, c.CancelWorkflow(ctx, o.ID, "")
	}
	return first, nil
}
