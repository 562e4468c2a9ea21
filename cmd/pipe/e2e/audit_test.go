package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
)

// TestAudit: the ledger answers who could find a document and what a person could find,
// before and after it was hidden; wrong questions are errors.
func TestAudit(t *testing.T) {
	t.Parallel()
	w := night(t)
	const ref, rule = "component:default/fraud-scorer", "rule       private to its owners"
	w.pipe(t, "audit", "who", shipped, ref).expect(t, int(job.Done),
		"found by   2 people", "liam.obrien@larkspur.example", "through    group:default/payments", rule,
		"This is what had been sent up to")
	w.pipe(t, "audit", "who", "--json", shipped, ref).expect(t, int(job.Done), `"audience": "listed"`, `"ines.carvalho@larkspur.example",`)
	w.pipe(t, "audit", "what", shipped, "Liam.OBrien@larkspur.example").expect(t, int(job.Done),
		ref, "through group:default/payments", "as a user of the datasource")
	w.pipe(t, "audit", "what", shipped, "someone@example.com").expect(t, int(job.Done),
		"0 documents", "no document and no group in the ledger names someone@example.com")

	before := time.Now()
	w.pipe(t, "hide", shipped, ref).expect(t, int(job.Done))
	w.pipe(t, "audit", "who", shipped, ref).expect(t, int(job.Done), "found by   no one", "(hide ")
	w.pipe(t, "audit", "who", "--at", before.Format(time.RFC3339Nano), shipped, ref).expect(t, int(job.Done), "2 people")

	for _, wrong := range []struct {
		args []string
		says string
	}{
		{[]string{"audit", "who", shipped}, "takes a pipeline file and a ref"},
		{[]string{"audit", "who", "--at", "yesterday", shipped, ref}, "--at yesterday is not a time"},
		{[]string{"audit", "who", "--state", t.TempDir(), shipped, ref}, "there is no audit ledger"},
	} {
		w.pipe(t, wrong.args...).expect(t, int(job.Wrong), wrong.says)
	}
	w.pipe(t, "audit", "who", "--at", "2020-01-01", shipped, ref).expect(t, int(job.Failed), "the audit ledger starts "+
		"on")
	w.pipe(t, "audit", "who", shipped, "component:default/unknown").expect(t, int(job.Done), "had not been sent")
}

// TestAuditOfWhatFailed: the ledger has everything that a failed run began to send,
// including a person's new membership, until a run has sent everything.
func TestAuditOfWhatFailed(t *testing.T) {
	t.Parallel()
	n := newNights(t, 20, 40)
	n.things[0].visibility = "owner"
	n.good(t)
	n.things[0].visibility = ""
	n.things[1].visibility = "owner"
	n.people[5].teams = append(n.people[5].teams, n.teams[1].ref())
	last := n.people
	n.people = n.people[:19]
	n.glean.Fail(gleanfaults.Fault{Status: 500, Path: "deleteuser"})
	n.night(t, "--set", "@sink.retries.attempts=1", "--set", "guards.max_widen=100%").expect(t, int(job.Failed))
	n.glean.Heal()
	if !n.world.index().Documents["component:default/thing-0"].Permissions.AllowAllDatasourceUsersAccess {
		t.Fatal("the run failed before it opened the document")
	}
	who := func(ref string, at time.Time, says ...string) {
		t.Helper()
		n.world.pipe(t, "audit", "who", "--at", at.Format(time.RFC3339Nano), shipped, ref).expect(t, int(job.Done), says...)
	}
	failed := time.Now()
	for range 2 {
		who("component:default/thing-0", failed, "1 person", "perhaps also:", "found by   every user of the datasource",
			"failed or has not ended")
		n.world.pipe(t, "audit", "what", "--at", failed.Format(time.RFC3339Nano), shipped, "p-5@example.com").expect(t,
			int(job.Done), "and perhaps", "component:default/thing-1\n    through group:default/team-1")
		n.people = last
		n.things[0].visibility = "owner" // it was open for a time
		n.good(t, "--set", "guards.max_widen=100%")
	}
	who("component:default/thing-0", time.Now(), "1 person", "!perhaps")
	n.world.pipe(t, "audit", "what", shipped, "p-5@example.com").expect(t, int(job.Done), "!perhaps",
		"component:default/thing-1\n    through group:default/team-1")
}

// TestLedgerUnusable: a ledger that cannot be written stops a run before it sends, and the
// message has a remedy.
func TestLedgerUnusable(t *testing.T) {
	t.Parallel()
	n := newNights(t, 20, 40)
	n.good(t)
	files, err := filepath.Glob(filepath.Join(n.world.env["XDG_STATE_HOME"], "pipe", "*.audit"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	if err := os.Rename(files[0], files[0]+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(files[0], 0o700); err != nil {
		t.Fatal(err)
	}
	n.things[3].text = "another text"
	n.night(t).expect(t, int(job.Wrong), "the audit ledger cannot be used", "move it away")
	if got := n.world.index().Documents[n.things[3].ref()].Summary.TextContent; got != "what it does" {
		t.Errorf("the run has sent %q", got)
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	n.good(t).expect(t, 0, "sent: what changed")
}
