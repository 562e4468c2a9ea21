package e2e

import (
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
)

// TestExplainAtServer: pipe explain shows what a server has read, as pipe explain does with a file.
func TestExplainAtServer(t *testing.T) {
	t.Parallel()
	h := serveHandbook(t)
	inspector, viewer := h.tokenFile(t, "inspector", "--role", "inspect"), h.tokenFile(t, "viewer", "--role", "view")
	h.expect(t, viewer, job.Wrong, []string{"viewer does not have the role inspect"}, "explain", "handbook", "page-1")
	h.expect(t, inspector, job.Done, []string{"read at ", "page-1", "← display(record.owner)",
		"yes, ann@example.com finds it", "ann → team-42"}, "explain", "handbook", "page-1", "--as", "ann@example.com")
	h.expect(t, inspector, job.Done, []string{"no, bob does not find it", "a member of no group"},
		"explain", handbook, "page-1", "--as", "bob")
	h.expect(t, inspector, job.Wrong, []string{"the server answers 404", "the source holds no", "did you mean page-1"},
		"explain", "handbook", "page-1x")
	h.expect(t, inspector, job.Wrong, []string{"--sandbox is for a file"}, "explain", "--sandbox", "handbook", "page-1")
	c := h.expect(t, inspector, job.Done, nil, "explain", "--json", "handbook", "page-1", "--as", "bob")
	at, err := codec.Decode([]byte(c.stdout))
	if err != nil {
		t.Fatal(err)
	}
	data := at["data"].(map[string]any)
	if data["read"] == nil {
		t.Errorf("when was it read? %v", data)
	}
	delete(data, "read")
	c = pipe(t, h.env, "explain", "--json", handbook, "page-1", "--as", "bob", "--state", "none")
	local, err := codec.Decode([]byte(c.stdout))
	if err != nil || c.code != 0 {
		t.Fatalf("%v: exit %d\n%s", err, c.code, c.both())
	}
	served, _ := codec.Marshal(at)
	if want, _ := codec.Marshal(local); string(served) != string(want) {
		t.Errorf("the server says\n%s\npipe explain says\n%s", served, want)
	}
}
