//go:build browser

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/serve/browsertest"
	"github.com/pipe-engine/pipe/sources/backstage"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// companyPushed is the shipped pipeline with records that are pushed, and the records: people and
// groups, and the others.
func companyPushed(t *testing.T, dir string) (file, identities, others string) {
	t.Helper()
	text := []byte(read(t, shipped))
	from, to := bytes.Index(text, []byte("\nsource:\n")), bytes.Index(text, []byte("\ntransforms:"))
	source := "\nsource:\n  push:\n    store: entities.db\n    model:\n      backstage:\n" +
		"        ui_url: https://backstage.example.com\n"
	file = filepath.Join(dir, "pushed.yaml")
	if err := os.WriteFile(file, append(append(bytes.Clone(text[:from]), source...), text[to:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	var people, rest bytes.Buffer
	for _, entity := range sandbox.Company() {
		into := &rest
		if made, err := backstage.NewModel(&backstage.Config{}).Record(entity); err != nil {
			t.Fatal(err)
		} else if made.Kind == "User" || made.Kind == "Group" {
			into = &people
		}
		into.Write(append(bytes.ReplaceAll(entity, []byte("\n"), nil), '\n'))
	}
	return file, people.String(), rest.String()
}

// send calls the API with a token and a body of a type.
func (s *served) send(token, method, path, kind, body string, status int) map[string]any {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.origin+"/api/v1/pipelines/backstage"+path,
		strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	fields, decodeErr := codec.Decode(b)
	if resp.StatusCode != status || err != nil || decodeErr != nil {
		s.t.Fatalf("%s %s: %s, want %d: %v %s\n%s", method, path, resp.Status, status, err, b, s.text())
	}
	return fields
}

// pushSet pushes a full set of lines.
func (s *served) pushSet(token, lines string) {
	s.t.Helper()
	set := s.send(token, "POST", "/sets", "application/json", "{}", http.StatusCreated)["id"].(string)
	s.send(token, "POST", "/sets/"+set+"/records", "application/x-ndjson", lines, http.StatusOK)
	s.send(token, "POST", "/sets/"+set+"/commit", "application/json",
		fmt.Sprintf(`{"expected": %d}`, strings.Count(lines, "\n")), http.StatusOK)
}

// TestServedInBrowser is what a team does with a server, on the sandbox: it delivers pushed records
// three times by its schedule; an edit that opens documents to everybody is refused, and a person
// approves it in the browser; a record that is pushed then is found by its owners alone.
func TestServedInBrowser(t *testing.T) {
	b := browsertest.New(t, 10*time.Minute)
	dir := t.TempDir()
	file, identities, others := companyPushed(t, dir)
	s := startServer(t, filepath.Join(dir, "state"), "--sandbox", file)
	add := func(args ...string) string {
		t.Helper()
		c := s.command(append([]string{"serve", "token", "add"}, args...)...)
		if c.code != 0 {
			t.Fatalf("%s: exit %d\n%s", args, c.code, c.both())
		}
		return strings.TrimSpace(c.stdout)
	}
	s.token = add("ci", "--role", "trigger,inspect")
	entities := add("portal", "--role", "push", "--kind", "*")
	s.pushSet(add("people", "--role", "push", "--identities"), identities)
	s.pushSet(entities, others)

	scheduled := 0
	for begun := time.Now(); scheduled < 3; time.Sleep(time.Second) {
		scheduled = 0
		for _, one := range s.call("GET", "/pipelines/backstage/runs", "", http.StatusOK)["runs"].([]any) {
			r := one.(map[string]any)
			asked := r["asked"].([]any)[0].(map[string]any)
			if asked["how"] == "schedule" && r["verdict"] == "delivered" {
				scheduled++
			}
		}
		if time.Since(begun) > 5*time.Minute {
			t.Fatalf("the schedule delivered %d times in five minutes\n%s", scheduled, s.text())
		}
	}

	edited := strings.Replace(read(t, file), "${DEFAULT_PERMISSIONS:-datasource-users}", "all-users", 1)
	if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	asked := s.call("POST", "/pipelines/backstage/runs", "", http.StatusAccepted)
	if r := s.ended(asked["run"].(string)); r["exit_code"] != 4.0 {
		t.Fatalf("a run that opens all documents: %v", r)
	}
	link := s.command("serve", "link", "--person", "ann")
	b.Open(strings.TrimSpace(link.stdout))
	b.Wait(`document.body.innerText.includes("waits for approval")`)
	b.Look("served-overview")
	b.Focus("Look at run")
	b.Press(browsertest.Enter)
	b.Wait(`document.querySelector("#approve") !== null`)
	b.Look("served-refused")
	b.Focus(" reason")
	b.Press("the catalog is for all")
	b.Focus("Approve refusal")
	b.Press(browsertest.Enter)
	b.Wait(`document.querySelector("h1").innerText.includes("delivered")`)

	var private string
	for line := range strings.Lines(others) {
		if strings.Contains(line, `"fraud-scorer"`) && strings.Contains(line, `"python"`) {
			private = strings.ReplaceAll(strings.TrimSpace(line), "fraud-scorer", "quiet-plans")
		}
	}
	pushed := s.send(entities, "PUT", "/records/component:default/quiet-plans", "application/json", private,
		http.StatusOK)
	s.ended(pushed["run"].(string))
	b.Open(s.origin + "/pipelines/backstage/search")
	b.Wait(`document.body.innerText.includes("Read the documents")`)
	b.Focus("Read the documents")
	b.Press(browsertest.Enter)
	b.Wait(`document.querySelector("input[name=q]") !== null`)
	for person, found := range map[string]string{"liam.obrien": "1 document", "anton.berg": "0 documents"} {
		b.Open(s.origin + "/pipelines/backstage/search?q=quiet-plans&as=" + person + "@larkspur.example")
		b.Wait(`document.querySelector("#found") !== null`)
		if text := b.Text(`document.querySelector("#found").innerText`); !strings.HasPrefix(text, found) {
			t.Errorf("%s finds the pushed record: %q, want %s", person, text, found)
		}
		b.Look("served-" + person)
	}
}
