package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
)

// TestSandboxCommand: its output points every other command at its servers, until it is
// stopped.
func TestSandboxCommand(t *testing.T) {
	p := startProcess(t, map[string]string{"CI": "true"}, "sandbox", shipped)
	for late := time.After(patience); !strings.Contains(p.text(), "until this is stopped"); {
		select {
		case <-p.said:
		case <-late:
			t.Fatalf("it does not start:\n%s", p.text())
		}
	}
	var env []string
	for l := range strings.Lines(p.text()) {
		l = strings.TrimSpace(l)
		if name, _, ok := strings.Cut(l, "="); ok && !strings.Contains(name, " ") {
			env = append(env, l)
		}
	}
	file := filepath.Join(t.TempDir(), "sandbox.env")
	if err := os.WriteFile(file, []byte(strings.Join(env, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	mine := map[string]string{"XDG_STATE_HOME": t.TempDir(), "CI": "true"}
	for _, args := range []string{"datasource plan", "run --progress none", "status",
		"hide component:default/booking-service"} {
		words := strings.Fields(args)
		at := 1
		if words[0] == "datasource" {
			at = 2
		}
		call := append(append(append([]string{}, words[:at]...), "--env-file", file, shipped), words[at:]...)
		if c := pipe(t, mine, call...); c.code != int(job.Done) {
			t.Errorf("%s: exit %d\n%s", args, c.code, c.both())
		}
	}
	if p.signal(os.Interrupt, "stopping"); p.exit() != 130 {
		t.Errorf("it ended with %d", p.exit())
	}
}
