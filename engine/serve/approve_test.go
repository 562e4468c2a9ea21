package serve_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/servetest"
)

// refusedForTwo returns a pipeline with a refusal that two people must approve.
func refusedForTwo(t *testing.T, w *servetest.World) (p *serve.Pipeline, id string) {
	t.Helper()
	p = w.Start()
	w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI})
	w.Write(100, 10) // 40 pages open to everybody
	refused := w.Trigger(p, serve.Request{By: "bot", How: serve.ByAPI})
	if refused.Refusal == "" {
		t.Fatalf("the run is not refused: %+v", refused)
	}
	return p, refused.Refusal
}

const twoPeople = "guards:\n  approvals: 2\n  max_widen: 0\n"

// approve approves for a person, and returns who has approved; it wants no run.
func approve(t *testing.T, p *serve.Pipeline, id string, by serve.Approver) []string {
	t.Helper()
	a, ticket, err := p.Approve(t.Context(), id, by)
	if err != nil || ticket.Run != "" {
		t.Fatalf("%s: %v, run %q", by.Name, err, ticket.Run)
	}
	return a.People()
}

// TestApproverAsks: an approval does not count any more when its person then asks for a run or
// pushes records.
func TestApproverAsks(t *testing.T) {
	for name, act := range map[string]func(w *servetest.World, p *serve.Pipeline){
		"asks for a run": func(w *servetest.World, p *serve.Pipeline) {
			w.Trigger(p, serve.Request{By: " Bob", Person: true, How: serve.ByPage})
		},
		"asks for a run under another name": func(w *servetest.World, p *serve.Pipeline) {
			w.Trigger(p, serve.Request{By: "robert", Person: true, Identity: "hash-of-bob", How: serve.ByPage})
		},
		"pushes records": func(w *servetest.World, p *serve.Pipeline) {
			w.Clock.Advance(time.Second)
			if err := w.Server.History.Act(t.Context(), history.Action{At: w.Clock.Now(), Who: "bob",
				Action: serve.ActPushRecord, Pipeline: w.Name}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, twoPeople)
			p, id := refusedForTwo(t, w)
			bob := serve.Approver{Name: "bob", Proven: true, Identity: "hash-of-bob"}
			approve(t, p, id, bob)
			act(w, p)
			if _, _, err := p.Approve(t.Context(), id, bob); !errors.As(err, new(*serve.ForbiddenError)) {
				t.Errorf("bob approves again: %v", err)
			}
			if people := approve(t, p, id, proven("carol")); !slices.Equal(people, []string{"carol"}) {
				t.Errorf("%v approved", people)
			}
			actions, err := w.Server.History.Actions(t.Context(), w.Name, 0, 100)
			if err != nil || !slices.ContainsFunc(actions, func(a history.Action) bool {
				return a.Action == serve.ActWithdraw && a.Who == "bob"
			}) {
				t.Errorf("the audit log: %v, %+v", err, actions)
			}
			_, ticket, err := p.Approve(t.Context(), id, proven("dora"))
			if err != nil || ticket.Run == "" {
				t.Fatalf("two others: %v", err)
			}
			<-ticket.Ended()
			if r, err := w.Server.History.Run(t.Context(), ticket.Run); err != nil || r.Class != int(job.Done) {
				t.Errorf("the approved run: %v, %+v", err, r)
			}
		})
	}
}

// TestApproverJoins: who joins the run of an approval is not among those who allow it.
func TestApproverJoins(t *testing.T) {
	w := newWorld(t, twoPeople)
	p, id := refusedForTwo(t, w)
	approve(t, p, id, proven("bob"))
	free := w.Server.Occupy()
	blocker, err := p.Trigger(serve.Request{By: "bot", How: serve.ByAPI}) // waits for the slot
	if err != nil {
		t.Fatal(err)
	}
	_, ticket, err := p.Approve(t.Context(), id, proven("carol"))
	if err != nil || ticket.Run == "" {
		t.Fatalf("two people: %v, %q", err, ticket.Run)
	}
	if _, err := p.Trigger(serve.Request{By: "bob", Person: true, How: serve.ByPage, Changed: true}); err != nil {
		t.Fatal(err)
	}
	free()
	for _, one := range []serve.Ticket{blocker, ticket} {
		<-one.Ended()
	}
	for _, r := range w.Runs()[:1] {
		if r.Class != int(job.Refused) {
			t.Errorf("a run that bob has joined: %+v", r)
		}
	}
	waiting, err := p.Waiting(t.Context())
	if err != nil || waiting == nil || !slices.Equal(waiting.Approval.People(), []string{"carol"}) {
		t.Errorf("%v, %+v", err, waiting)
	}
}

// TestApproverOfEarlierRefusal: the approval of an earlier refusal does not count either when one of
// its people asks for the run that would use it.
func TestApproverOfEarlierRefusal(t *testing.T) {
	for _, asks := range []string{"bot", "bob"} {
		w := newWorld(t, twoPeople)
		p, id := refusedForTwo(t, w)
		approve(t, p, id, proven("bob"))
		w.Write(100, 5) // more than was approved
		_, ticket, err := p.Approve(t.Context(), id, proven("carol"))
		if err != nil {
			t.Fatal(err)
		}
		<-ticket.Ended()
		if last := w.Runs()[0]; last.Refusal == "" || last.Refusal == id {
			t.Fatalf("a run with more changes: %+v", last)
		}
		w.Write(100, 10) // what was approved
		want := map[string]job.Class{"bot": job.Done, "bob": job.Refused}[asks]
		if r := w.Trigger(p, serve.Request{By: asks, How: serve.ByAPI}); r.Class != int(want) {
			t.Errorf("%s asks: %+v", asks, r)
		}
		w.End()
	}
}

// TestRenamedApprover: a person is one person after a change of their name.
func TestRenamedApprover(t *testing.T) {
	w := newWorld(t, twoPeople)
	p, id := refusedForTwo(t, w)
	approve(t, p, id, serve.Approver{Name: "ann", Proven: true, Identity: "hash-of-ann"})
	if people := approve(t, p, id, serve.Approver{Name: "anna", Proven: true, Identity: "hash-of-ann"}); len(people) != 1 {
		t.Errorf("one person is %v", people)
	}
	if _, ticket, err := p.Approve(t.Context(), id, proven("bob")); err != nil || ticket.Run == "" {
		t.Errorf("two people: %v", err)
	}
}
