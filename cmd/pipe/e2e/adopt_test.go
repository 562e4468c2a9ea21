package e2e

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/job"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// typed calls the program at a terminal with typed input.
func typed(t testing.TB, env map[string]string, text string, args ...string) call {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs strings.Builder
	code := cli.Run(ctx,
		cli.Host{Registry: components.Registry(), Args: append([]string{"pipe"}, args...),
			Env: func(n string) (string, bool) {
				v, ok := env[n]
				return v, ok
			},
			Stdin: strings.NewReader(text), Stdout: &out, Stderr: &errs, Width: oneLine, Interactive: true})
	return call{code, out.String(), errs.String()}
}

var restrictedInAll = regexp.MustCompile(`(\d+) restricted in all`)

// adopt adopts a datasource with the right answer.
func (w *world) adopt(t *testing.T, args ...string) {
	t.Helper()
	shown := typed(t, w.env, "", args...)
	m := restrictedInAll.FindStringSubmatch(shown.stdout)
	if shown.code != int(job.Wrong) || m == nil {
		t.Fatalf("exit %d\n%s", shown.code, shown.both())
	}
	typed(t, w.env, m[1]+"\n", args...).expect(t, int(job.Done), "Stored as approval ")
}

// elsewhere is a world after a run of another machine.
func elsewhere(t *testing.T) *world {
	t.Helper()
	w := night(t)
	w.state = t.TempDir()
	w.env["XDG_STATE_HOME"] = w.state
	return w
}

// TestAdopt: a person at a terminal sees the datasource and the result of a run, types the
// number of restricted documents, and thereby allows exactly that run once.
func TestAdopt(t *testing.T) {
	t.Parallel()
	w := elsewhere(t)
	w.run(t).expect(t, int(job.Refused), "pipe adopt --set @source.page_size=10 --set @sink.batch.documents=9 "+shipped,
		"pipe run --approve ")
	w.pipe(t, "push", shipped, scorer).expect(t, int(job.Refused), "of another state folder", "pipe adopt "+shipped,
		"!pipe run --approve ")
	adopt := []string{"adopt", shipped, "--progress", "none"}
	for _, wrong := range []string{"", "\n", "yes\n", "3\n"} {
		typed(t, w.env, wrong, adopt...).expect(t, int(job.Wrong), "datasource backstage now holds", "56 documents",
			"  16 component", "last uploads of documents:", ", owner ",
			"of another state folder", "54 for datasource-users, rule default", "would be published again",
			"2 restricted in all", "2 withheld", "hidden with pipe hide and another state folder are unknown",
			"nothing was changed")
	}
	w.run(t).expect(t, int(job.Refused))
	before := len(w.index().Uploads)
	typed(t, w.env, "2\n", adopt...).expect(t, int(job.Done), "Stored as approval ", "pipe run "+shipped)
	if len(w.index().Uploads) != before {
		t.Error("it uploaded something")
	}
	w.env["DEFAULT_PERMISSIONS"] = "all-users"
	w.run(t).expect(t, int(job.Refused), "owner: ", "for all-users, rule default")
	w.env["DEFAULT_PERMISSIONS"] = ""
	w.run(t).expect(t, int(job.Done), "allowed by approval ")
	typed(t, w.env, "", adopt...).expect(t, int(job.Done), "Nothing to adopt")
	w.run(t).expect(t, int(job.Done), "0 documents found by more people")
}

// TestAdoptWithoutTerminal: without a terminal, the ID and the command of the run that it
// allows are printed.
func TestAdoptWithoutTerminal(t *testing.T) {
	t.Parallel()
	w := elsewhere(t)
	c := w.pipe(t, "adopt", shipped, "--progress", "none")
	c.expect(t, int(job.Refused), "datasource backstage now holds", "restricted in all", "are unknown here",
		"pipe run --approve ")
	m := regexp.MustCompile(`pipe (run --approve \S+ \S+)`).FindStringSubmatch(c.stderr)
	if m == nil {
		t.Fatal(c.both())
	}
	w.run(t).expect(t, int(job.Refused))
	w.pipe(t, append(strings.Fields(m[1]), "--progress", "none")...).expect(t, int(job.Done), "allowed by approval ")
	w.run(t).expect(t, int(job.Done))
}

// TestAdoptCalls: adopt needs its file and a state folder, has no --yes, and leaves
// what no approval can allow to the run.
func TestAdoptCalls(t *testing.T) {
	t.Parallel()
	w := elsewhere(t)
	w.pipe(t, "adopt").expect(t, int(job.Wrong), "takes one pipeline file")
	w.pipe(t, "adopt", shipped, "--yes").expect(t, int(job.Wrong), "yes")
	w.pipe(t, "adopt", shipped, "--state", "none").expect(t, int(job.Wrong), "--state DIR")
	w.pipe(t, "adopt", shipped, "--json", "--progress", "none").expect(t, int(job.Refused), `"holds"`, `"restricted": 2`, `"approve": "pipe run --approve `)
	w.glean.Fail(gleanfaults.Fault{Path: "status", Status: http.StatusNotFound})
	typed(t, w.env, "", "adopt", shipped, "--progress", "none").expect(t, int(job.Wrong),
		"The content of the datasource is unknown", "2 restricted in all")
	w.glean.Heal()
	w.backstage.Fail(backstagefaults.Fault{Empty: true})
	typed(t, w.env, "0\n", "adopt", shipped, "--progress", "none").expect(t, int(job.Refused), "!Stored as approval")
	fresh := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	fresh.pipe(t, "adopt", shipped, "--progress", "none").expect(t, int(job.Done), "Nothing to adopt")
}
