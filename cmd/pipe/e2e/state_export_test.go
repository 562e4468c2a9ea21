package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// TestStateMove: an export moves the runs from one machine to another, where the next run is
// compared with the last one.
func TestStateMove(t *testing.T) {
	t.Parallel()
	w := night(t)
	w.pipe(t, "hide", shipped, scorer).expect(t, int(job.Done))
	archive := filepath.Join(t.TempDir(), "state.archive")
	w.pipe(t, "state", "export", shipped, archive).expect(t, int(job.Done),
		"exported the state of "+w.glean.URL()+" backstage to "+archive)
	if info, err := os.Stat(archive); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	shown := w.pipe(t, "state", "show", shipped)
	shown.expect(t, int(job.Done), "baseline   of run ", "56 documents", "hidden     1 document", ".state", ".owner",
		".hidden")
	w.env["XDG_STATE_HOME"] = t.TempDir()
	w.pipe(t, "state", "show", shipped).expect(t, int(job.Done), "baseline   missing", "owner      none yet")
	w.pipe(t, "state", "export", shipped, archive+"2").expect(t, int(job.Wrong), "has no state of the datasource")
	w.run(t).expect(t, int(job.Refused))
	w.pipe(t, "state", "import", shipped, archive).expect(t, int(job.Done), "imported the state of", "Stop the runs")
	w.run(t).expect(t, int(job.Done), "0 documents found by more people", "1 document hidden with pipe hide")
	w.pipe(t, "state", "import", shipped, archive).expect(t, int(job.Wrong), "already has a baseline", "--force")
	w.pipe(t, "state", "import", shipped, archive, "--force", "--json").expect(t, int(job.Done), `"place"`)
	owner := func(c call) string {
		_, rest, _ := strings.Cut(c.stdout, "owner      ")
		return strings.Fields(rest)[0]
	}
	if again := w.pipe(t, "state", "show", shipped); owner(again) != owner(shown) {
		t.Errorf("another owner\n%s", again.both())
	}
	w.pipe(t, "state", "show", shipped, "--json").expect(t, int(job.Done), `"baseline": "intact"`, `"approvals": []`, `"hidden": [`)
	if err := os.WriteFile(archive, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.pipe(t, "state", "import", shipped, archive, "--force").expect(t, int(job.Wrong), "it is damaged")
	w.run(t).expect(t, int(job.Done))
}

// TestStateCalls: the requirements of the subcommands, and that a run blocks them.
func TestStateCalls(t *testing.T) {
	t.Parallel()
	k := night(t)
	k.pipe(t, "state", "import", shipped).expect(t, int(job.Wrong), "takes a pipeline file and an archive")
	k.pipe(t, "state", "show").expect(t, int(job.Wrong), "pipe state show needs a pipeline file")
	k.pipe(t, "state", "show", shipped, "--state", "none").expect(t, int(job.Wrong), "--state DIR")
	if err := os.WriteFile(k.stored(t, ".state"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.pipe(t, "state", "show", shipped).expect(t, int(job.Done), "baseline   damaged: it is not a state file")
	k.pipe(t, "state", "export", shipped, filepath.Join(t.TempDir(), "a")).expect(t, int(job.Wrong),
		"the baseline cannot be used")
}
