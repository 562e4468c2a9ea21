package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

var approveLine = regexp.MustCompile(`pipe run --approve ([a-z2-7]{12}) `)

// approvalIn is the ID that a refused run printed.
func approvalIn(t testing.TB, c call) string {
	t.Helper()
	m := approveLine.FindStringSubmatch(c.stderr)
	if c.code != int(job.Refused) || m == nil {
		t.Fatalf("exit %d, and no call that allows it\n%s", c.code, c.both())
	}
	return m[1]
}

// TestApprovals: one ID allows what both guards refuse, for one run.
func TestApprovals(t *testing.T) {
	t.Parallel()
	w := night(t)
	open := func() {
		w.env["DEFAULT_PERMISSIONS"] = "all-users"
		w.backstage.Fail(backstagefaults.Fault{Hide: backstagefaults.Half})
	}
	open()
	c := w.run(t)
	for _, want := range []string{"max_loss: this run would delete", "max_widen: ",
		"If this is intended, allow exactly these changes once:"} {
		if !strings.Contains(c.stderr, want) {
			t.Errorf("%q is not said in\n%s", want, c.stderr)
		}
	}
	id := approvalIn(t, c)
	if line := regexp.MustCompile(`(?m)^  pipe run --approve .*$`).FindString(c.stderr); !strings.Contains(line,
		"--set @source.page_size=10 --set @sink.batch.documents=9 ") || !strings.HasSuffix(line, shipped) ||
		strings.Contains(line, "progress") {
		t.Errorf("the call is %q", line)
	}
	if c := w.run(t, "--dry-run", "--approve", id); c.code != int(job.Done) {
		t.Errorf("a dry run: exit %d\n%s", c.code, c.both())
	}
	if c := w.run(t, "--approve", strings.ToUpper(id)); c.code != int(job.Done) ||
		!strings.Contains(c.stdout, "allowed by approval "+id) {
		t.Errorf("approved: exit %d\n%s", c.code, c.both())
	}
	if c := w.run(t); c.code != int(job.Done) {
		t.Errorf("the next run: exit %d\n%s", c.code, c.both())
	}
	w.backstage.Heal()
	delete(w.env, "DEFAULT_PERMISSIONS")
	if c := w.run(t); c.code != int(job.Done) {
		t.Fatalf("all is as before: exit %d\n%s", c.code, c.both())
	}
	open()
	if c := w.run(t, "--approve", id); c.code != int(job.Refused) ||
		!strings.Contains(c.stderr, "was used by run") && !strings.Contains(c.stderr, "did not match") {
		t.Errorf("the ID is used: exit %d\n%s", c.code, c.both())
	}
}

// TestApproveUsed: a refusal whose ID was used before prints the call that allows
// it again, and that call works.
func TestApproveUsed(t *testing.T) {
	w := night(t)
	w.backstage.Fail(backstagefaults.Fault{Hide: backstagefaults.Half})
	id := approvalIn(t, w.run(t))
	if c := w.run(t, "--approve", id); c.code != int(job.Done) {
		t.Fatalf("approved: exit %d\n%s", c.code, c.both())
	}
	w.backstage.Heal()
	if c := w.run(t); c.code != int(job.Done) {
		t.Fatalf("all is as before: exit %d\n%s", c.code, c.both())
	}
	w.backstage.Fail(backstagefaults.Fault{Hide: backstagefaults.Half})
	for _, flags := range [][]string{nil, {"--approve", id}} {
		c := w.run(t, flags...)
		m := regexp.MustCompile(`(?m)^  pipe (approve .*)$`).FindStringSubmatch(c.stderr)
		if c.code != int(job.Refused) || m == nil || approveLine.MatchString(c.stderr) {
			t.Fatalf("%v: exit %d\n%s", flags, c.code, c.both())
		}
		if !strings.HasSuffix(m[1], shipped+" "+id) || !strings.Contains(m[1], "--set @source.page_size=10 ") {
			t.Errorf("the call is %q", m[1])
		}
	}
	if c := w.pipe(t, "approve", shipped, id); c.code != int(job.Done) {
		t.Fatalf("approve: exit %d\n%s", c.code, c.both())
	}
	if c := w.run(t); c.code != int(job.Done) || !strings.Contains(c.stdout, "allowed by approval "+id) {
		t.Errorf("approved again: exit %d\n%s", c.code, c.both())
	}
}

// TestApproveCommand stores an approval for the next run.
func TestApproveCommand(t *testing.T) {
	t.Parallel()
	w := night(t)
	w.backstage.Fail(backstagefaults.Fault{Hide: backstagefaults.Half})
	id := approvalIn(t, w.run(t))
	c := w.pipe(t, "approve", shipped, id, "--reason", "a team left")
	if c.code != int(job.Done) || !strings.Contains(c.stdout, "documents for datasource-users, deleted: ") ||
		!strings.Contains(c.stdout, "component:default/") || !strings.Contains(c.stdout, "\n\nThe approval allows:\n") ||
		!strings.Contains(c.stdout, "Approved by ") {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	files, _ := filepath.Glob(filepath.Join(w.env["XDG_STATE_HOME"], "pipe", "*.approval-"+id))
	if len(files) != 1 {
		t.Fatalf("stored as %v", files)
	}
	if b, _ := os.ReadFile(files[0]); !strings.Contains(string(b), `"reason":"a team left"`) {
		t.Errorf("stored %s", b)
	}
	if c := w.run(t); c.code != int(job.Done) || !strings.Contains(c.stdout, "allowed by approval "+id) {
		t.Errorf("the next run: exit %d\n%s", c.code, c.both())
	}
	if c := w.pipe(t, "approve", shipped, id); c.code != int(job.Failed) ||
		!strings.Contains(c.stderr, "was used by run") {
		t.Errorf("approved again: exit %d\n%s", c.code, c.both())
	}
	if c := w.pipe(t, "approve", shipped, "aaaaaaaaaaaa"); c.code != int(job.Wrong) ||
		!strings.Contains(c.stderr, "refused run aaaaaaaaaaaa: not in this state folder") {
		t.Errorf("an unknown ID: exit %d\n%s", c.code, c.both())
	}
}

// TestApprovalJSON: a refusal in JSON has the ID and every change.
func TestApprovalJSON(t *testing.T) {
	t.Parallel()
	w := night(t)
	w.backstage.Fail(backstagefaults.Fault{Hide: backstagefaults.Half})
	c := w.run(t, "--json")
	var out struct {
		Error struct {
			ID      string `json:"id"`
			Approve string `json:"approve"`
			Changes []struct {
				After string `json:"after"`
			} `json:"changes"`
		} `json:"error"`
	}
	if err := codec.Unmarshal([]byte(c.stdout), &out); err != nil {
		t.Fatal(err)
	}
	if c.code != int(job.Refused) || len(out.Error.ID) != 12 || !strings.Contains(out.Error.Approve, out.Error.ID) ||
		len(out.Error.Changes) < 20 || out.Error.Changes[0].After != "gone" {
		t.Errorf("exit %d, %+v", c.code, out)
	}
	shown := w.pipe(t, "approve", "--json", shipped, out.Error.ID)
	if shown.code != int(job.Done) || !strings.Contains(shown.stdout, `"until"`) || !strings.Contains(shown.stdout, `"after": "gone"`) {
		t.Errorf("exit %d\n%s", shown.code, shown.both())
	}
}

// TestApprovalCalls: IDs and flags that are wrong are exit 2 before anything is
// read.
func TestApprovalCalls(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args string
		want string
	}{
		{"run --approve 30 " + shipped, `"30" is not the ID of a refused run`},
		{"run --approve documents=30 " + shipped, "is not the ID of a refused run"},
		{"run --approve-loss documents=30 " + shipped, "pipe run --approve ID FILE"},
		{"run --approve-widen=listed=30 " + shipped, "pipe run --approve ID FILE"},
		{"run --approve= " + shipped, "is not the ID of a refused run"},
		{"approve " + shipped, "takes a pipeline file and the ID"},
		{"approve aaaaaaaaaaaa", "takes a pipeline file and the ID"},
		{"approve " + shipped + " aaaa", "is not the ID of a refused run"},
		{"approve " + shipped + " aaaaaaaaaaaa bbbbbbbbbbbb", "takes a pipeline file and the ID"},
	} {
		if c := pipe(t, nil, strings.Fields(tc.args)...); c.code != int(job.Wrong) || !strings.Contains(c.stderr, tc.want) {
			t.Errorf("%s: exit %d\n%s", tc.args, c.code, c.both())
		}
	}
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	if c := w.pipe(t, "approve", "--state", "none", shipped, "aaaaaaaaaaaa"); c.code != int(job.Wrong) ||
		!strings.Contains(c.stderr, "--state DIR") {
		t.Errorf("without a state folder: exit %d\n%s", c.code, c.both())
	}
}

// TestApprovers: with guards.approvals, names that people give on a machine are not enough for what
// opens to everybody, however many; --alone does without the other people, with a notification.
func TestApprovers(t *testing.T) {
	t.Parallel()
	two := []string{"--set", "guards.approvals=2"}
	w, h, run := notifying(t)
	if c := run(two...); c.code != int(job.Done) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	w.env["DEFAULT_PERMISSIONS"] = "all-users"
	c := run(two...)
	id := approvalIn(t, c)
	file := regexp.MustCompile(`\S+notifying\.yaml`).FindString(c.stderr)
	h.taken()
	approve := func(user string, args ...string) call {
		w.env["USER"] = user
		return w.pipe(t, slices.Concat([]string{"approve", file, id}, two, args)...)
	}
	w.env["USER"] = "ann"
	if c := run("--approve", id, "--set", "guards.approvals=2"); c.code != int(job.Refused) {
		t.Fatalf("approved on the command line: exit %d\n%s", c.code, c.both())
	}
	for _, user := range []string{"ann", "ann", "bob"} {
		if c := approve(user); c.code != int(job.Done) || !strings.Contains(c.stdout, "needs 2 people") ||
			!strings.Contains(c.stdout, "a token of their own") {
			t.Fatalf("%s approves: exit %d\n%s", user, c.code, c.both())
		}
	}
	for _, args := range [][]string{two, {"--set", "guards.approvals=1"}} { // it was refused with 2
		c = run(args...)
		if c.code != int(job.Refused) || !strings.Contains(c.stderr, "needs 2 people and has 1") {
			t.Fatalf("%s: exit %d\n%s", args, c.code, c.both())
		}
	}
	h.taken()
	if c := approve("ann", "--alone"); c.code != int(job.Wrong) || !strings.Contains(c.stderr, "needs a reason") {
		t.Errorf("no reason: exit %d\n%s", c.code, c.both())
	}
	c = approve("ann", "--alone", "--reason", "the portal is down")
	if sent := h.taken(); len(sent) != 1 ||
		!strings.Contains(sent[0], "approved refusal "+id+" alone: the portal is down") {
		t.Errorf("sent %q", sent)
	}
	if c.code != int(job.Done) || !strings.Contains(c.stdout, "one complete run until") {
		t.Fatalf("alone: exit %d\n%s", c.code, c.both())
	}
	if c := run(two...); c.code != int(job.Done) || !strings.Contains(c.stdout, "allowed by approval "+id) {
		t.Errorf("the approved run: exit %d\n%s", c.code, c.both())
	}
}
