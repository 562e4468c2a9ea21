package e2e

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
)

// TestUnhideBeforeRun: a document that is hidden and unhidden between two runs, and that
// Glean has deleted, is written again although it has not changed.
func TestUnhideBeforeRun(t *testing.T) {
	t.Parallel()
	n := newNights(t, 20, 60)
	n.good(t)
	ref := n.things[3].ref()
	n.pipe(t, "hide", shipped, ref).expect(t, int(job.Done))
	n.pipe(t, "hide", shipped, "--unhide", ref).expect(t, int(job.Done))
	n.good(t).expect(t, int(job.Done), "sent: what changed")
	n.good(t).expect(t, int(job.Done), "sent: nothing")
}

// hideDuringChanges publishes and hides a document before the request about another is
// answered.
func (n *nights) hideDuringChanges(t *testing.T, ref, other string, flags ...string) call {
	t.Helper()
	var once sync.Once
	n.mu.Lock()
	n.during = func(path, body string) {
		if path == "updatepermissions" && strings.Contains(body, `"`+other+`"`) {
			once.Do(func() { n.pipe(t, append([]string{"hide", shipped, ref, "--no-mentions"}, flags...)...) })
		}
	}
	n.mu.Unlock()
	c := n.night(t, "--set", "@sink.concurrency=1")
	n.mu.Lock()
	n.during = nil
	n.mu.Unlock()
	return c
}

// TestHideBeforeItIsNarrowed: a document that is hidden while a run is about to narrow it
// is not written again.
func TestHideBeforeItIsNarrowed(t *testing.T) {
	t.Parallel()
	n := newNights(t, 20, 60)
	n.good(t)
	n.things[3].visibility, n.things[4].visibility = "owner", "owner"
	ref := n.things[4].ref()
	n.hideDuringChanges(t, ref, n.things[3].ref()).expect(t, int(job.Done),
		"hidden with pipe hide while the run published")
	if d, there := n.world.index().Document(ref); there {
		t.Errorf("it is there, for %v", d.Permissions)
	}
}

// TestHideFailsDuringARun: a document that is hidden while a run publishes, and that Glean
// did not delete then, is deleted by the next run.
func TestHideFailsDuringARun(t *testing.T) {
	t.Parallel()
	n := newNights(t, 20, 60)
	n.good(t)
	n.things[3].visibility, n.things[4].text = "owner", "another text"
	ref := n.things[4].ref()
	n.glean.Fail(gleanfaults.Fault{Status: 500, Match: func(b []byte) bool {
		return bytes.Contains(b, []byte(ref+`"`)) && !bytes.Contains(b, []byte(`"documents"`))
	}})
	n.hideDuringChanges(t, ref, n.things[3].ref(), "--set", "@sink.retries.attempts=1").expect(t, int(job.Done))
	n.glean.Heal()
	n.night(t).expect(t, int(job.Done), "1 document deleted")
	if d, there := n.world.index().Document(ref); there {
		t.Errorf("it is there, for %v", d.Permissions)
	}
	n.night(t).expect(t, int(job.Done), "sent: nothing")
}

// TestHideBeforeAFullPublishFails: a document that is hidden while a full publish narrows
// others, and that Glean did not delete then, is deleted although the uploads fail.
func TestHideBeforeAFullPublishFails(t *testing.T) {
	t.Parallel()
	n := newNights(t, 20, 60)
	n.good(t)
	n.things[3].visibility, n.things[4].visibility = "owner", "owner"
	ref, other := n.things[4].ref(), n.things[3].ref()
	n.during = func(path, body string) {
		if path != "updatepermissions" || !strings.Contains(body, `"`+other+`"`) {
			return
		}
		n.glean.Fail(gleanfaults.Fault{Status: 500, Match: func(b []byte) bool { return bytes.Contains(b, []byte(ref)) }})
		n.pipe(t, "hide", shipped, ref, "--no-mentions", "--set", "@sink.retries.attempts=1")
		n.glean.Heal()
		n.glean.Fail(gleanfaults.Fault{Status: 500, Path: "bulkindexusers"})
	}
	n.night(t, "--full", "--set", "@sink.concurrency=1", "--set", "@sink.retries.attempts=1",
		"--set", "@sink.recovery_wait=20ms").expect(t, int(job.Failed))
	if d, there := n.world.index().Document(ref); there {
		t.Errorf("it is there, for %v", d.Permissions)
	}
}
