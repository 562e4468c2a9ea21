package folder

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/fault"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func none(string) (string, bool) { return "", false }

const good = `version: 1
fleet: larkspur
defaults: {team: platform, region: eu, task_queue: pipe-eu}
pipelines:
  payments: {}
  ledger: {file: us/ledger.yaml, team: finance, region: us, task_queue: pipe-us, pin: true}
limits: {heartbeat: 30s}
`

// TestRead: defaults apply to each pipeline that does not say otherwise.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, FileName, good)
	write(t, dir, "payments.yaml", "version: 1\n")
	write(t, dir, "us/ledger.yaml", "version: 1\n")
	write(t, dir, "us/draft.yaml", "version: 1\n")
	write(t, dir, "payments.test.yaml", "tests: []\n")
	write(t, dir, ".git/config.yaml", "x: 1\n")
	f, err := Read(t.Context(), dir, none)
	if err != nil {
		t.Fatal(err)
	}
	want := []Pipeline{
		{"payments", filepath.Join(dir, "payments.yaml"), "platform", "eu", "pipe-eu", false},
		{"ledger", filepath.Join(dir, "us", "ledger.yaml"), "finance", "us", "pipe-us", true},
	}
	if f.Name != "larkspur" || !slices.Equal(f.Pipelines, want) || f.Limits.Heartbeat.D().Seconds() != 30 {
		t.Errorf("%+v", f)
	}
	unlisted, err := f.Unlisted()
	if err != nil || !slices.Equal(unlisted, []string{filepath.Join("us", "draft.yaml")}) {
		t.Errorf("unlisted %v, %v", unlisted, err)
	}
	if _, sha, err := f.Pipelines[0].Text(); err != nil || len(sha) != 64 {
		t.Errorf("%q, %v", sha, err)
	}
	if _, err := f.Find("paymnts"); err == nil || !strings.Contains(fault.RemedyOf(err)+err.(*fault.Invalid).Remedy,
		"payments") {
		t.Errorf("%v", err)
	}
}

// TestReadWrong: a file that is not a fleet is refused with the place of each problem.
func TestReadWrong(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"name":         {"fleet: larkspur", "fleet: Larkspur Team", "not a name that a fleet can have"},
		"pipeline":     {"  payments: {}", "  'pay ments': {}", "not a name that a pipeline can have"},
		"e-mail":       {"team: platform", "team: ann@example.com", "not a short name"},
		"no queue":     {", task_queue: pipe-eu}", "}", "payments has no task queue"},
		"outside":      {"us/ledger.yaml", "../ledger.yaml", "outside the folder"},
		"absolute":     {"us/ledger.yaml", "/etc/ledger.yaml", "outside the folder"},
		"twice":        {"us/ledger.yaml", "payments.yaml", "have the same file"},
		"unknown key":  {"pin: true", "pinned: true", "unknown key"},
		"short beat":   {"heartbeat: 30s", "heartbeat: 1s", "too small"},
		"retry":        {"{heartbeat: 30s}", "{run: 2d, heartbeat: 30s}", "shorter than limits.run"},
		"long beat":    {"{heartbeat: 30s}", "{run: 2m, heartbeat: 2m}", "not shorter than limits.run"},
		"no pipelines": {good[strings.Index(good, "pipelines:"):], "", "pipelines"},
	} {
		dir := t.TempDir()
		write(t, dir, FileName, strings.Replace(good, tc.old, tc.new, 1))
		_, err := Read(t.Context(), dir, none)
		if !errors.As(err, new(*brokerfile.Error)) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read(t.Context(), t.TempDir(), none); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("a folder without the file: %v", err)
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com"},
		args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestVerify: a checkout is used only at its commit and without any change, in whatever way that is
// hidden.
func TestVerify(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	for name, tc := range map[string]struct {
		change func(t *testing.T, dir string, c *Checkout)
		want   string // "" is accepted
	}{
		"clean": {func(*testing.T, string, *Checkout) {}, ""},
		"another commit": {func(t *testing.T, dir string, _ *Checkout) {
			git(t, dir, "commit", "-q", "--allow-empty", "-m", "next")
		}, "is at the commit"},
		"changed": {func(t *testing.T, dir string, _ *Checkout) { write(t, dir, "p.yaml", "changed\n") },
			"has changes"},
		"untracked": {func(t *testing.T, dir string, _ *Checkout) { write(t, dir, "x/new.yaml", "new\n") },
			"has changes"},
		"ignored": {func(t *testing.T, dir string, _ *Checkout) {
			write(t, dir, ".git/info/exclude", "*.env\n")
			write(t, dir, "a.env", "A=1\n")
		}, "has changes"},
		"assumed unchanged": {func(t *testing.T, dir string, _ *Checkout) {
			git(t, dir, "update-index", "--assume-unchanged", "p.yaml")
			write(t, dir, "p.yaml", "changed\n")
		}, "is not compared"},
		"skipped": {func(t *testing.T, dir string, _ *Checkout) {
			git(t, dir, "update-index", "--skip-worktree", "p.yaml")
			write(t, dir, "p.yaml", "changed\n")
		}, "is not compared"},
		"staged": {func(t *testing.T, dir string, _ *Checkout) {
			write(t, dir, "p.yaml", "changed\n")
			git(t, dir, "add", ".")
		}, "has changes"},
		"no checkout": {func(t *testing.T, _ string, c *Checkout) { c.Folder = t.TempDir() }, "git rev-parse"},
	} {
		dir := t.TempDir()
		git(t, dir, "init", "-q")
		write(t, dir, "p.yaml", "version: 1\n")
		git(t, dir, "add", ".")
		git(t, dir, "commit", "-q", "-m", "first")
		c := Checkout{dir, git(t, dir, "rev-parse", "HEAD")}
		tc.change(t, dir, &c)
		err := c.Verify(context.Background())
		if tc.want == "" && err != nil || tc.want != "" && (!errors.As(err, new(*fault.Invalid)) ||
			!strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestVerifyStartsNothing: a program that the checkout's own configuration names is not started.
func TestVerifyStartsNothing(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "first")
	mark := filepath.Join(t.TempDir(), "started")
	git(t, dir, "config", "core.fsmonitor", "touch "+mark+"; false")
	c := Checkout{dir, git(t, dir, "-c", "core.fsmonitor=false", "rev-parse", "HEAD")}
	if err := c.Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the program of core.fsmonitor was started")
	}
}
