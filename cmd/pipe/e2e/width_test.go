package e2e

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// pipeAt is pipe with lines of at most width columns.
func pipeAt(t *testing.T, width int, env map[string]string, args ...string) call {
	t.Helper()
	var out, errs strings.Builder
	code := cli.Run(t.Context(), cli.Host{
		Registry: components.Registry(), Args: append([]string{"pipe"}, args...),
		Env:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Width: width,
	})
	return call{code, out.String(), errs.String()}
}

// changing are words that differ from call to call: IDs of runs and times.
var changing = regexp.MustCompile(`^\(?[0-9.,:T-]+(µs|ms|s|m|Z)*\)?[,)]?$|^01[0-9A-Z]{24}$|^127\.|^http://`)

// TestWidth: what a command prints fits the width of the terminal, and no word of it is
// broken. A word, a source line and a call to copy may be longer than a line. The words of
// pipe status are not compared: what it says of Glean's events depends on the time.
func TestWidth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	if c := w.pipe(t, "run", shipped); c.code != 0 && c.code != int(job.Rejected) {
		t.Fatal(c.both())
	}
	wrong := edited(t, "metadata.title", "metadata?.title + nmae", "url:", "uri:")
	wide := maps.Clone(w.env)
	wide["DEFAULT_PERMISSIONS"] = "all-users"
	for _, args := range [][]string{
		{"help"}, {"run", "--help"}, {"audit", "who", "--help"},
		{"check", shipped}, {"check", "--verbose", shipped}, {"check", wrong}, {"check", "--explain", "unknown-name"},
		{"doctor", shipped}, {"doctor", "--sandbox", shipped},
		{"run", "--sandbox", shipped}, {"run", "--dry-run", shipped}, {"run", "--dry-run", "--quiet", shipped},
		{"run", "--dry-run", "--report", "", shipped}, {"run", "--dri-run", shipped}, {"run", "nowhere.yaml"},
		{"diff", "--sandbox", shipped}, {"diff", "--against", "nowhere", shipped}, {"diff", "--limit", "3", shipped},
		{"explain", "--sandbox", shipped, "fraud-scorer", "--as", "liam.obrien@larkspur.example"},
		{"explain", "--record", shipped, "component:default/fraud-scorer"},
		{"show", shipped, "components"}, {"show", shipped, "users"}, {"eval", shipped, "links"},
		{"status", shipped}, {"status", shipped, "component:default/fraud-scorer"},
		{"audit", "who", shipped, "component:default/fraud-scorer"},
		{"audit", "what", shipped, "liam.obrien@larkspur.example"},
		{"state", "show", shipped}, {"datasource", "plan", shipped}, {"config", shipped},
		{"components"}, {"components", "glean"}, {"functions"}, {"functions", "related"},
		{"test", shipped}, {"plugin", "list", shipped}, {"hide", shipped}, {"approve", shipped, "aaaaaaaaaaaa"},
	} {
		t.Run(strings.Join(args[:min(2, len(args))], " "), func(t *testing.T) {
			env := w.env
			if slices.Contains(args, "3") || slices.Contains(args, "--report") { // a refusal
				env = wide
			}
			all := pipeAt(t, oneLine, env, args...).both()
			whole := append(strings.Fields(strings.ReplaceAll(all, ",", " ")), "│", "review")
			for _, width := range []int{60, 80, 100, 160} {
				text := pipeAt(t, width, env, args...).both()
				if bad := tooWide(text, width); bad != "" {
					t.Errorf("pipe %s at %d: %q is longer\n%s", strings.Join(args, " "), width, bad, text)
				}
				for _, word := range strings.Fields(strings.ReplaceAll(text, ",", " ")) {
					if !slices.Contains(whole, word) && !changing.MatchString(word) && args[0] != "status" {
						t.Errorf("pipe %s at %d breaks the word %q\n%s", strings.Join(args, " "), width, word, text)
						break
					}
				}
			}
		})
	}
}

// TestWholeLines: a call to copy and a line of the file are not broken.
func TestWholeLines(t *testing.T) {
	t.Parallel()
	const width = 40
	long := "        title: nmae == \"\" ? \"a title of some words\" : name"
	wrong := edited(t, "        title: name\n", long+"\n")
	if c := pipeAt(t, width, nil, "check", wrong); !strings.Contains(c.stdout, long[4:]+"\n") {
		t.Errorf("the line is broken\n%s", c.both())
	}
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	if c := w.pipe(t, "run", shipped); c.code != 0 {
		t.Fatal(c.both())
	}
	w.env["DEFAULT_PERMISSIONS"] = "all-users"
	c := pipeAt(t, width, w.env, "run", shipped)
	if id := approvalIn(t, c); !strings.Contains(c.stderr, "\n  pipe run --approve "+id+" "+shipped+"\n") {
		t.Errorf("the call is broken\n%s", c.stderr)
	}
}

// copied is a line that a person copies, or a part of a file.
var copied = regexp.MustCompile("^ *[(]?`?pipe [a-z].*\\.yaml|^ *\\^+$|^ *[a-z]+ [a-z ]*`pipe ")

// tooWide is the first line of a text that is longer than width and need not be.
func tooWide(text string, width int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		body := strings.Trim(line, " │├╰─")
		source := i+1 < len(lines) && strings.Trim(lines[i+1], " ^") == "" && strings.Contains(lines[i+1], "^")
		if utf8.RuneCountInString(line) > width && strings.Contains(body, " ") && !copied.MatchString(line) && !source {
			return fmt.Sprint(i+1, ": ", line)
		}
	}
	return ""
}
