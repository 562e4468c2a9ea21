package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestSpacedWait: a time after a space is not taken for a file or a ref.
func TestSpacedWait(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"run", "--wait", "30m", shipped}, {"run", shipped, "--wait", "30m"}, {"run", "--wait", "30m"},
		{"status", "--wait", "30m", shipped}, {"status", shipped, "--wait", "30m"},
		{"status", shipped, scorer, "--wait", "30m"}, {"status", "--wait", "30m", shipped, scorer},
	} {
		pipe(t, nil, args...).expect(t, int(job.Wrong), "30m is read as a file, not as the time of --wait",
			"write --wait=30m")
	}
	pipe(t, nil, "run", "30m").expect(t, int(job.Wrong), "!--wait")
}

// TestRunWaits: without --wait a run asks Glean once and ends well; with it, what
// Glean has not processed in time ends it with 7.
func TestRunWaits(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{Rules: quarterHour})
	k.run(t, "--full").expect(t, int(job.Done),
		"everything was sent; Glean is still processing users (upload completed), groups (upload completed), documents "+
			"(upload completed)")
	k.run(t, "--full", "--wait=1ms").expect(t, int(job.Unconfirmed),
		"everything was sent, but Glean has not processed it within 1ms",
		"pipe status --set @source.page_size=10 --set @sink.batch.documents=9 "+shipped+" --wait")
	k.later(time.Hour)
	k.run(t, "--wait", "--dry-run").expect(t, int(job.Wrong), "--wait needs a run that sends something")
	k.run(t, "--wait=0").expect(t, int(job.Wrong), "--wait=0 is not a positive time with a unit", "--wait=1h")
	k.run(t, "--set", "@sink.confirm=60s").expect(t, int(job.Wrong), `the key "confirm" was removed`, "pipe run --wait")
}

// TestStatusConfirms: an upload that Glean does not list leaves an unconfirmed
// baseline, which status --wait confirms once Glean lists it.
func TestStatusConfirms(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{Rules: gleansandbox.Rules{StatusLags: time.Hour}})
	k.run(t, "--full").expect(t, int(job.Done), "Glean has not confirmed it yet: users (not listed yet)",
		"pipe status --set @source.page_size=10 --set @sink.batch.documents=9 "+shipped+" --wait")
	k.pipe(t, "status", shipped, "--wait=1ns").expect(t, int(job.Unconfirmed), "documents (not listed yet)",
		"not confirmed yet: the upload of users")
	k.later(2 * time.Hour)
	k.pipe(t, "status", shipped, "--wait").expect(t, int(job.Done), "indexing completed", "!not confirmed yet")
	k.run(t, "--full").expect(t, int(job.Done), "!lost")
}

// TestPausedMetric: a paused deletion sets the exit code once, and a line and a metric as
// long as it lasts.
func TestPausedMetric(t *testing.T) {
	t.Parallel()
	k := keeping(t, gleansandbox.Options{Rules: gleansandbox.Rules{StatusLags: time.Minute}})
	owner := strings.Split(read(t, k.stored(t, ".owner")), `"owner":"`)[1][:16]
	page := `{"uploadId":"backstage-documents-` + owner + `-01ARZ3NDEKTSV4RRFFQ69G5FAV","datasource":"backstage","isFirstPage":true,"isLastPage":true,"documents":[]}`
	if c := k.ask(t, "bulkindexdocuments", page); c != 200 {
		t.Fatal(c)
	}
	k.later(time.Hour)
	file := filepath.Join(t.TempDir(), "metrics.prom")
	k.run(t, "--metrics-file", file).expect(t, int(job.Unconfirmed),
		"Glean paused the deletion of documents that are no longer sent")
	k.run(t, "--metrics-file", file).expect(t, int(job.Done), "Glean still pauses the deletion of documents")
	if text := read(t, file); !strings.Contains(text, `stream="documents"} 1`) || !strings.Contains(text, `pipe_deletion_paused{pipeline="backstage",stream="users"} 0`) {
		t.Errorf("%s", text)
	}
	k.later(time.Hour)
	k.run(t, "--metrics-file", file).expect(t, int(job.Done), "!still pauses")
	if text := read(t, file); !strings.Contains(text, `pipe_deletion_paused{pipeline="backstage",stream="documents"} 0`) {
		t.Errorf("%s", text)
	}
}
