package e2e

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

const (
	narrowed = "component:default/rates-service"
	removed  = "component:default/depot-wallboard"
	opened   = "component:default/fraud-scorer" // private in the company
	hidden   = "component:default/notifier"
)

// changedCompany is the company with one component private, one resource opened and one
// component removed.
func changedCompany(t *testing.T, private, open, without string) (out [][]byte) {
	t.Helper()
	found := 0
	for _, raw := range backstagesandbox.Company() {
		e, err := codec.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		meta := e["metadata"].(map[string]any)
		ref := strings.ToLower(e["kind"].(string)) + ":default/" + meta["name"].(string)
		switch ref {
		case without:
			found++
			continue
		case open:
			found++
			delete(meta, "annotations")
			if raw, err = codec.Marshal(e); err != nil {
				t.Fatal(err)
			}
		case private:
			found++
			annotations, _ := meta["annotations"].(map[string]any)
			if annotations == nil {
				annotations = map[string]any{}
			}
			annotations["glean.com/visibility"] = "private"
			meta["annotations"] = annotations
			if raw, err = codec.Marshal(e); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, raw)
	}
	if found != 3 {
		t.Fatalf("%d of 3 are in the company", found)
	}
	return out
}

// TestFromOutput: the output of an earlier night is published when Backstage is broken.
// Everything narrowed or removed since needs an approval, and hidden documents stay hidden.
func TestFromOutput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	out := filepath.Join(t.TempDir(), "night")
	w.run(t, "--output", out).expect(t, int(job.Done))
	before := w.glean.Index("backstage")
	for _, ref := range []string{narrowed, removed, hidden} {
		if _, there := before.Document(ref); !there {
			t.Fatalf("%s is not in the index", ref)
		}
	}
	if err := w.backstage.Replace(changedCompany(t, narrowed, opened, removed)); err != nil {
		t.Fatal(err)
	}
	w.pipe(t, "hide", shipped, hidden).expect(t, int(job.Done))
	w.run(t).expect(t, int(job.Done))
	second, _ := w.glean.Index("backstage").Document(opened)
	w.backstage.Fail(backstagefaults.Fault{Status: 500})

	// The address and the credentials of the source are not needed.
	from := []string{"--from-output", out, "--set", "source.backstage.token=${NOT_SET}",
		"--set", "source.backstage.url=${NOT_SET}", "--set", "source.backstage.ui_url=" + w.env["BACKSTAGE_BASE_URL"]}
	c := w.run(t, append(from, "--dry-run")...)
	c.expect(t, int(job.Refused), "max_widen", narrowed, removed, "2 of ", "limit 0",
		"gone → datasource-users", "listed → datasource-users", "hidden with pipe hide: "+hidden)
	c = w.run(t, from...)
	c.expect(t, int(job.Refused), narrowed, removed, "this is the output of run ", "the source was not read")
	id := offered.FindStringSubmatch(c.both())
	if id == nil {
		t.Fatalf("no approval is offered\n%s", c.both())
	}
	if now := w.glean.Index("backstage"); len(now.Documents) != len(before.Documents)-2 {
		t.Fatalf("%d documents after the refusal", len(now.Documents))
	} else if d, _ := now.Document(opened); !reflect.DeepEqual(d, second) {
		t.Errorf("a refused run narrowed %s", opened)
	}
	w.pipe(t, "approve", shipped, id[2], "--reason", "Backstage is broken").expect(t, int(job.Done))
	w.run(t, from...).expect(t, int(job.Done), "delivered", "this is the output of run ")

	now := w.glean.Index("backstage")
	for id, d := range before.Documents {
		got, there := now.Documents[id]
		if strings.EqualFold(id, hidden) || d.ID == hidden {
			if there {
				t.Errorf("%s is back", hidden)
			}
			continue
		}
		if !there || string(mustMarshal(t, got)) != string(mustMarshal(t, d)) {
			t.Errorf("%v is %+v, and was %+v", id, got, d)
		}
	}
	w.run(t, "--from-output", out, "--json").expect(t, int(job.Done), `"from_output"`, `"dir": `)
	w.run(t, append(from, "--only", "users,groups")...).expect(t, int(job.Done), "documents not in --only")
	w.backstage.Heal()
	w.run(t).expect(t, int(job.Done))
}

func mustMarshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := codec.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFromOutputRefuses: what --from-output has no use for, and folders that cannot be
// published.
func TestFromOutputRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	dir := t.TempDir()
	out, dry, some := filepath.Join(dir, "out"), filepath.Join(dir, "dry"), filepath.Join(dir, "some")
	w.run(t, "--output", out).expect(t, int(job.Done))
	w.run(t, "--output", dry, "--dry-run").expect(t, int(job.Done))
	w.run(t, "--output", some, "--only", "documents").expect(t, int(job.Done))

	for _, tc := range []struct {
		args []string
		says string
	}{
		{[]string{"--from-output", out, "--sandbox", "--catalog", "c.json"}, "--catalog would not be read"},
		{[]string{"--from-output", out, "--sandbox"}, "leave --sandbox out"},
		{[]string{"--from-output", out, "--output", dir}, "--output would write the same again"},
		{[]string{"--from-output", ""}, "--from-output names no folder"},
		{[]string{"--from-output", filepath.Join(dir, "none")}, "run.json is missing"},
		{[]string{"--from-output", some}, "lacks users, groups, which run "},
		{[]string{"--from-output", out, "--set", "@sink.datasource.name=other"}, "was written for "},
	} {
		w.run(t, tc.args...).expect(t, int(job.Wrong), tc.says)
	}
	// The output of a run that was just published changes nothing.
	w.run(t, "--from-output", out, "--json").expect(t, int(job.Done), `"sent": false`, `"mode": "changes"`, `!"steps"`)
	w.run(t, "--from-output", some, "--only", "documents").expect(t, int(job.Done))
	w.run(t, "--from-output", dry).expect(t, int(job.Done), "a dry run that published nothing")
	path := filepath.Join(out, "documents.ndjson")
	if err := os.WriteFile(path, []byte(strings.Replace(read(t, path), "a", "b", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	w.run(t, "--from-output", out).expect(t, int(job.Wrong), "documents.ndjson changed since run ")
}
