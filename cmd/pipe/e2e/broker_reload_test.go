//go:build unix

package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/requestlog"
	"github.com/pipe-engine/pipe/engine/job"
)

func (b *brokered) says(t *testing.T, p *process, text string, times int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); strings.Count(p.text(), text) < times; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not %d times %q:\n%s", times, text, p.text())
		}
	}
}

// TestBrokerReload: SIGHUP makes hub and agent read their files again, pause and resume cut and connect, and
// the check commands report the problems of both files.
func TestBrokerReload(t *testing.T) {
	b := newBrokered(t, services(0, 3))
	b.env["AGENT_TOKEN"], b.env["TARGET_TOKEN"] = b.Own, b.targetToken
	b.startHub(t)
	b.startAgent(t)
	b.says(t, b.agent, "the hub is connected", 1)
	for _, p := range []*process{b.hub, b.agent} {
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		b.says(t, p, "was read again", 1)
	}
	agent := b.Path("agent.yaml")
	if check := b.pipe(t, "agent", "check", agent); check.code != 0 ||
		!strings.Contains(check.stdout, "accepts acme; sessions of the agent: 1") ||
		!strings.Contains(check.stdout, "GET /api/catalog/entities/by-query: 200 OK") {
		t.Errorf("exit %d\n%s", check.code, check.both())
	}
	if check := b.pipe(t, "hub", "check", b.Path("hub.yaml")); check.code != 0 {
		t.Errorf("exit %d\n%s", check.code, check.both())
	}
	if pause := b.pipe(t, "agent", "pause", agent); pause.code != 0 {
		t.Fatal(pause.both())
	}
	b.says(t, b.hub, "an agent is gone", 1)
	run := b.pipe(t, "run", b.pipeline, "--dry-run", "--set", "@source.via.wait=1s")
	if run.code == int(job.Done) || !strings.Contains(run.both(), "no agent: acme") {
		t.Errorf("exit %d\n%s", run.code, run.both())
	}
	if resume := b.pipe(t, "agent", "resume", agent); resume.code != 0 {
		t.Fatal(resume.both())
	}
	b.says(t, b.hub, "an agent is connected", 2)
	if run := b.pipe(t, "run", b.pipeline, "--dry-run"); run.code != int(job.Done) {
		t.Errorf("exit %d\n%s", run.code, run.both())
	}
	if _, err := requestlog.Verify(b.Path("audit.jsonl"), requestlog.Mark{}); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(b.Path("hub.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	b.Write(t, "hub.yaml", strings.Replace(string(text), "per_second", "per_secnd", 1))
	b.says(t, b.hub, "has problems", 1)
	check := b.pipe(t, "hub", "check", b.Path("hub.yaml"))
	if check.code != 2 || !strings.Contains(check.stderr, "did you mean per_second?") ||
		!strings.Contains(check.stderr, "hub.yaml:8:") {
		t.Errorf("exit %d\n%s", check.code, check.both())
	}
	run = b.pipe(t, "run", b.pipeline, "--dry-run")
	if run.code == int(job.Done) || !strings.Contains(run.both(), "the hub does not accept the token") {
		t.Errorf("a pipeline whose lines are wrong goes on: exit %d\n%s", run.code, run.both())
	}
}
