package cli

import (
	"os/exec"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/job"
)

// TestMan: the manual page has every command with its flags once, every exit code, the
// release, and nothing that groff warns of.
func TestMan(t *testing.T) {
	c := (&app{Host: Host{Registry: components.Registry()}}).cli()
	page := manPage(c, (&app{}).globalFlags(), version.Info{Version: "v1.2.3", Date: "2026-01-02T03:04:05Z"})
	want := []string{`.TH PIPE 1 "2026-01-02" "pipe v1.2.3"`, "\n.SH NAME\npipe \\- publish", "\n.SH GLOBAL OPTIONS\n"}
	var walk func(path string, commands []*urfave.Command)
	walk = func(path string, commands []*urfave.Command) {
		for _, cmd := range commands {
			if !cmd.Hidden && !isGroup(cmd) {
				want = append(want, "\n.SS "+roff(path+cmd.Name))
			}
			walk(path+cmd.Name+" ", cmd.Subcommands)
			for _, f := range cmd.VisibleFlags() {
				want = append(want, `\fB\-\-`+roff(f.Names()[0])+`\fP`)
			}
		}
	}
	walk("pipe ", c.Commands)
	for class := job.Done; class <= job.Unconfirmed; class++ {
		if exitStatus[class] == "" {
			t.Errorf("exit code %d is not described", class)
		}
	}
	for _, text := range want {
		if !strings.Contains(page, text) {
			t.Errorf("the page has no %q", text)
		}
	}
	if n := strings.Count(page, `\fB\-\-log\-level\fP`); n != 1 {
		t.Errorf("--log-level is there %d times", n)
	}
	if strings.Contains(page, ".SS pipe man") {
		t.Error("the page has the hidden command")
	}
	if got := roff(".x -y\n'z \\"); got != `\&.x \-y`+"\n"+`\&'z \e` {
		t.Errorf("roff: %q", got)
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("groff is not installed")
	}
	cmd := exec.CommandContext(t.Context(), groff, "-man", "-ww", "-Kutf8", "-Tutf8", "-z")
	cmd.Stdin = strings.NewReader(page)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("groff: %v\n%s", err, out)
	}
}

// TestManIsHidden: the command works and is in no list.
func TestManIsHidden(t *testing.T) {
	if got := pipe(t, nil, "man"); !strings.HasPrefix(got.stdout, ".TH PIPE 1 ") {
		t.Errorf("%.100q %q", got.stdout, got.stderr)
	}
	for _, words := range [][]string{{"help"}, {"completion", "bash"}, {"nan"}} {
		if got := pipe(t, nil, words...); strings.Contains(got.stdout+got.stderr, "man,") ||
			strings.Contains(got.stdout, " man ") || strings.Contains(got.stderr, "pipe man") {
			t.Errorf("%v names it\n%s%s", words, got.stdout, got.stderr)
		}
	}
}
