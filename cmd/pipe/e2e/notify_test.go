package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
)

// hook is a receiver of notifications. It answers with status, 0 for 200.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	status int
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.bodies = append(h.bodies, r.URL.Path+" "+string(b))
		if h.status != 0 {
			w.WriteHeader(h.status)
			io.WriteString(w, r.URL.Path)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// taken are the messages since the last call.
func (h *hook) taken() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.bodies
	h.bodies = nil
	return out
}

const hookPath = "/services/T0CANARY/B0CANARY/canary-xyz-0123456789"

// notifying is a world whose pipeline file notifies a hook after its first good run.
func notifying(t *testing.T) (w *world, h *hook, runFile func(args ...string) call) {
	t.Helper()
	w, h = night(t), newHook(t)
	b, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "notifying.yaml", string(b)+"\nnotify:\n  slack:\n    url: ${SLACK_WEBHOOK_URL}\n")
	w.env["SLACK_WEBHOOK_URL"] = h.URL + hookPath
	return w, h, func(args ...string) call {
		t.Helper()
		return w.pipe(t, slices.Concat([]string{"run", file, "--set", "@source.page_size=10", "--progress", "none"}, args)...)
	}
}

// TestNotify: a refused run notifies once with the ID and no name of a document; a dry
// run, a run on the sandbox and a good run notify no one.
func TestNotify(t *testing.T) {
	t.Parallel()
	w, h, run := notifying(t)
	if c := run(); c.code != int(job.Done) {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	w.backstage.Fail(backstagefaults.Fault{Hide: backstagefaults.Half})
	if c := run("--dry-run"); c.code != int(job.Refused) {
		t.Fatalf("dry: exit %d\n%s", c.code, c.both())
	}
	if sent := h.taken(); sent != nil {
		t.Fatalf("a good run and a dry run sent %q", sent)
	}
	c := run()
	id := approvalIn(t, c)
	sent := h.taken()
	if len(sent) != 1 || !strings.HasPrefix(sent[0], hookPath+` {"text":`) || !strings.Contains(sent[0], id) ||
		!strings.Contains(sent[0], "max_loss: ") || strings.Contains(sent[0], ":default/") {
		t.Errorf("sent %q", sent)
	}
	if run(); h.taken() != nil {
		t.Error("the same refusal is notified twice")
	}
	w.backstage.Heal()
	if c := run(); c.code != int(job.Done) || h.taken() != nil {
		t.Errorf("healed: exit %d\n%s", c.code, c.both())
	}
	for _, set := range []bool{true, false} {
		if c := run("--sandbox", "--timeout", "1ns"); c.code != int(job.Failed) || h.taken() != nil {
			t.Errorf("on the sandbox, address set %v: exit %d\n%s", set, c.code, c.both())
		}
		delete(w.env, "SLACK_WEBHOOK_URL")
	}
}

// TestNotifyFails: a notification that fails is a note without the address, and the exit
// code is that of the run.
func TestNotifyFails(t *testing.T) {
	t.Parallel()
	w, h, run := notifying(t)
	h.status = http.StatusForbidden
	w.backstage.Fail(backstagefaults.Fault{Hide: backstagefaults.Half})
	for _, flags := range [][]string{nil, {"--json"}} {
		c := run(flags...)
		if c.code != int(job.Refused) || !strings.Contains(c.stdout, "no notification was sent to slack") ||
			strings.Contains(strings.ToLower(c.both()), "canary") {
			t.Errorf("exit %d\n%s", c.code, c.both())
		}
	}
	if len(h.taken()) != 2 {
		t.Error("the second run did not try again")
	}
}
