package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// connectorKinds are the kinds that the Python connector publishes.
var connectorKinds = []string{"Component", "API", "System", "Domain", "Resource"}

// connectorWorld is a world whose index has the data of the Python connector: ids such as
// component-default-name, groups without their namespaces, users by name, and documents of
// deleted entities, since it never deletes.
func connectorWorld(t *testing.T, gone int, more ...string) *world {
	t.Helper()
	url := regexp.QuoteMeta("http://127.0.0.1") + ".*"
	by := false
	old := gleanapi.DatasourceConfig{Name: "backstage", DisplayName: "Backstage Catalog",
		DatasourceCategory: "KNOWLEDGE_HUB", URLRegex: url, IsUserReferencedByEmail: &by}
	for _, kind := range connectorKinds {
		old.ObjectDefinitions = append(old.ObjectDefinitions, gleanapi.ObjectDefinition{Name: strings.ToLower(kind)})
	}
	entities := companyWith(t, more...)
	w := newWorld(t, backstagesandbox.Options{Entities: entities},
		gleansandbox.Options{Datasources: []gleanapi.DatasourceConfig{old}})
	var users []gleanapi.User
	var groups []gleanapi.Group
	var documents []gleanapi.Document
	members := map[string][]gleanapi.Membership{}
	add := func(kind, namespace, name, owner string) {
		p := &gleanapi.Permissions{AllowAllDatasourceUsersAccess: true}
		if owner != "" {
			p = &gleanapi.Permissions{AllowedGroups: []string{owner}}
		}
		documents = append(documents, gleanapi.Document{
			Datasource: "backstage", ID: strings.ToLower(kind) + "-" + namespace + "-" + name, ObjectType: strings.ToLower(kind),
			Title:   name,
			ViewURL: w.backstage.URL() + "/catalog/" + namespace + "/" + strings.ToLower(kind) + "/" + name, Permissions: p,
		})
	}
	for ref, e := range catalogOf(t, entities) {
		namespace := strings.Split(strings.Split(ref, ":")[1], "/")[0]
		switch {
		case e.kind == "User":
			mail := e.email
			if mail == "" {
				mail = e.name + "@backstage.local"
			}
			if !slices.ContainsFunc(users, func(u gleanapi.User) bool { return u.Email == mail || u.UserID == e.name }) {
				users = append(users, gleanapi.User{Email: mail, UserID: e.name, Name: e.name})
			}
		case e.kind == "Group":
			groups = append(groups, gleanapi.Group{Name: e.name})
			members[e.name] = []gleanapi.Membership{}
			for _, m := range e.related["hasMember"] {
				members[e.name] = append(members[e.name], gleanapi.Membership{MemberUserID: m[strings.LastIndex(m, "/")+1:]})
			}
		case e.name == "fraud-scorer": // as DEFAULT_PERMISSIONS=owner made them
			add(e.kind, namespace, e.name, "payments")
		case slices.Contains(connectorKinds, e.kind):
			add(e.kind, namespace, e.name, "")
		}
	}
	for i := range gone {
		add("Component", "default", fmt.Sprintf("gone-%d", i), "")
	}
	page := func(id string) gleanapi.Page {
		return gleanapi.Page{UploadID: id, IsFirstPage: true, IsLastPage: true, Datasource: "backstage"}
	}
	w.upload(t, gleanapi.PathBulkIndexUsers, gleanapi.BulkIndexUsersRequest{Page: page("u"), Users: users})
	w.upload(t, gleanapi.PathBulkIndexGroups, gleanapi.BulkIndexGroupsRequest{Page: page("g"), Groups: groups})
	for group, m := range members {
		w.upload(t, gleanapi.PathBulkIndexMemberships,
			gleanapi.BulkIndexMembershipsRequest{Page: page("m" + group), Group: group, Memberships: m})
	}
	w.upload(t, gleanapi.PathBulkIndexDocuments, gleanapi.BulkIndexDocumentsRequest{Page: page("d"), Documents: documents})
	if got := accounts(w.index().WhoFinds("component-default-fraud-scorer")); !slices.Equal(got,
		[]string{"ines.carvalho", "liam.obrien"}) {
		t.Fatalf("the old index is not as it should be: %v", got)
	}
	return w
}

func (w *world) upload(t *testing.T, path string, body any) {
	t.Helper()
	b, err := codec.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.glean.URL()+path, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+sinkToken)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		var text bytes.Buffer
		text.ReadFrom(answer.Body)
		t.Fatalf("%s: %d %s", path, answer.StatusCode, text.String())
	}
}

// way returns the section of the docs about one way to migrate.
func way(t *testing.T, letter string) string {
	t.Helper()
	for name, text := range sections(read(t, pipelinesReadme), "####") {
		if strings.HasPrefix(name, letter+": ") {
			return text
		}
	}
	t.Fatalf("the docs have no way %s", letter)
	return ""
}

// walk runs the commands of a migration as written in the docs.
func (w *world) walk(t *testing.T, text, file string, code ...int) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(blocks(text, "sh")[0]), "\n")
	for i, line := range lines {
		want := 0
		if i < len(code) {
			want = code[i]
		}
		args := strings.Fields(strings.ReplaceAll(strings.TrimPrefix(line, "pipe "), "pipelines/backstage.yaml", file))
		if args[0] == "adopt" {
			w.adopt(t, args...)
			continue
		}
		if c := w.pipe(t, args...); c.code != want {
			t.Fatalf("%s: exit %d, want %d\n%s", line, c.code, want, c.both())
		}
	}
}

// moved fails unless a datasource holds exactly the output of the shipped pipeline.
func (w *world) moved(t *testing.T, datasource string) {
	t.Helper()
	index := w.glean.Index(datasource)
	if len(index.Documents) != 56 || len(index.Users) != 26 || len(index.Groups) != 12 {
		t.Errorf("%d documents, %d users, %d groups", len(index.Documents), len(index.Users), len(index.Groups))
	}
	for name := range index.Groups {
		if !strings.HasPrefix(name, "group:") {
			t.Errorf("group %s is still there", name)
		}
	}
	if got := accounts(index.WhoFinds("component:default/fraud-scorer")); !slices.Equal(got,
		[]string{"ines.carvalho", "liam.obrien"}) {
		t.Errorf("fraud-scorer is found by %v", got)
	}
}

// TestMovingToANewDatasource: the old one is as it was, the new one is complete
// and in test mode until it is not.
func TestMovingToANewDatasource(t *testing.T) {
	w := connectorWorld(t, 25)
	before := w.index()
	w.walk(t, way(t, "A"), shipped)
	after := w.index()
	if !maps.EqualFunc(before.Documents, after.Documents, func(a, b gleanapi.Document) bool {
		return a.ViewURL == b.ViewURL && a.Title == b.Title
	}) || len(after.Uploads) != len(before.Uploads) || len(after.Users) != len(before.Users) {
		t.Error("the old datasource was touched")
	}
	w.moved(t, "catalog")
	if test := w.glean.Index("catalog").Config.IsTestDatasource; test == nil || *test {
		t.Errorf("test mode: %v", test)
	}
}

// TestMovingInPlace: Glean reports how many documents it holds but not which, so runs and
// approvals alternate until no old document is left.
func TestMovingInPlace(t *testing.T) {
	for name, tc := range map[string]struct {
		gone  int
		codes []int // of the runs, each after a refusal with the line that it printed
	}{
		"many deleted entities": {25, []int{int(job.Refused), int(job.Unconfirmed), int(job.Refused), int(job.Done)}},
		"the numbers are alike": {0, []int{int(job.Refused), int(job.Unconfirmed), int(job.Refused), int(job.Done)}},
	} {
		t.Run(name, func(t *testing.T) {
			w := connectorWorld(t, tc.gone)
			if c := w.pipe(t, "datasource", "apply", "--yes", shipped); c.code != 0 {
				t.Fatalf("exit %d\n%s", c.code, c.both())
			}
			approval := []string{}
			for i, want := range tc.codes {
				c := w.pipe(t, append([]string{"run", shipped, "--progress", "none"}, approval...)...)
				if c.code != want {
					t.Fatalf("run %d: exit %d, want %d\n%s", i+1, c.code, want, c.both())
				}
				approval = nil
				if n := regexp.MustCompile(`--approve (\S+)`).FindStringSubmatch(c.stderr); want == int(job.Refused) && n == nil {
					t.Fatalf("no line that allows it: %s", c.both())
				} else if n != nil {
					approval = []string{"--approve", n[1]}
				}
				_, old := w.index().Document("component-default-booking-service")
				if old != (i+1 < len(tc.codes)) {
					t.Errorf("after run %d the old documents are there: %t", i+1, old)
				}
			}
			w.moved(t, "backstage")
			if test := w.index().Config.IsUserReferencedByEmail; test == nil || !*test {
				t.Error("users are not named by e-mail")
			}
		})
	}
}

// TestMovingWithOldIDs: with the ids of the connector a document keeps its identity; two
// documents with the same id are detected before anything is sent.
func TestMovingWithOldIDs(t *testing.T) {
	file := write(t, "backstage.yaml", patched(t, read(t, shipped), blocks(way(t, "C"), "diff")[0]))
	if c := pipe(t, nil, "check", file); c.code != 0 || strings.Contains(c.both(), "warning") {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	w := connectorWorld(t, 0)
	before := w.index()
	w.walk(t, way(t, "B"), file, 0, 0, int(job.Unconfirmed))
	after := w.index()
	kept := 0
	for id := range before.Documents {
		if d, there := after.Document(id); there {
			kept++
			if d.Body == nil {
				t.Errorf("%s has the old content", id)
			}
		} else if !slices.Contains([]string{"component-default-old-tracking-site", "component-default-label-printer",
			"resource-default-card-vault"}, id) {
			t.Errorf("%s is gone", id)
		}
	}
	if kept != len(before.Documents)-3 {
		t.Errorf("%d of %d kept their ids", kept, len(before.Documents))
	}
	if d, _ := after.Document("component-default-booking-service"); d.ContainerDatasourceID != "system-default-booking" {
		t.Errorf("it stands in %q", d.ContainerDatasourceID)
	}
	if got := accounts(after.WhoFinds("component-default-fraud-scorer")); !slices.Equal(got,
		[]string{"ines.carvalho", "liam.obrien"}) {
		t.Errorf("fraud-scorer is found by %v", got)
	}
	c := w.pipe(t, "run", "--progress", "none", file)
	n := regexp.MustCompile(`--approve \S+`).FindString(c.stderr)
	if c.code != int(job.Refused) || n == "" {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	if c := w.pipe(t, append([]string{"run", "--progress", "none", file}, strings.Fields(n)...)...); c.code != 0 ||
		len(w.index().Groups) != 12 {
		t.Errorf("exit %d, %d groups\n%s", c.code, len(w.index().Groups), c.both())
	}
	w = connectorWorld(t, 0,
		`{"kind":"Component","metadata":{"namespace":"a","name":"b-c"},"spec":{"owner":"group:default/care","type":"x"}}`,
		`{"kind":"Component","metadata":{"namespace":"a-b","name":"c"},"spec":{"owner":"group:default/care","type":"x"}}`)
	if c := w.pipe(t, "run", "--dry-run", "--progress", "none", file); c.code != int(job.Rejected) ||
		!strings.Contains(c.stdout, "component:a-b/c") || !strings.Contains(c.stdout, "component:a/b-c") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}

// TestConnectorVariables: a file of the connector's variables works, with comments after
// values and instead of one, once a variable that the pipeline file contradicts is removed.
func TestConnectorVariables(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{Observe: func(r *http.Request) {
		if h := r.Header.Get("Authorization"); h != "" {
			t.Errorf("a comment was sent as the token: %s", h)
		}
	}}, gleansandbox.Options{})
	w.backstage.SetToken("")
	var b strings.Builder
	for _, v := range seedVariables {
		value := map[string]string{
			"BACKSTAGE_BASE_URL": w.backstage.URL() + "  # where it is", "GLEAN_INDEXING_API_KEY": sinkToken,
			"GLEAN_DATASOURCE_ID":       "backstage",
			"GLEAN_DATASOURCE_HOME_URL": "${BACKSTAGE_BASE_URL}/home", "DEFAULT_PERMISSIONS": "owner", "VERIFY_SSL": "True",
			"LOG_LEVEL": "INFO", "SYNC_BATCH_SIZE": "50", "BACKSTAGE_PAGE_SIZE": "100",
		}[v.name]
		if strings.HasPrefix(v.name, "SYNC_") && strings.HasSuffix(v.name, "_ENABLED") {
			value = "true"
		}
		if value == "" {
			value = " # optional, it's \"not set\""
		}
		fmt.Fprintf(&b, "%s=%s\n", v.name, value)
	}
	env := write(t, ".env", b.String())
	moved := write(t, ".env", regexp.MustCompile(`(?m)^GLEAN_DATASOURCE_HOME_URL=.*$`).ReplaceAllString(b.String(), ""))
	for name := range w.env {
		if name != "GLEAN_SERVER_URL" && name != "XDG_STATE_HOME" { // the connector knows only names of instances
			delete(w.env, name)
		}
	}
	w.pipe(t, "run", "--progress", "none", "--env-file", env, shipped).expect(t, int(job.Wrong),
		"GLEAN_DATASOURCE_HOME_URL", ".env:", "homeUrl")
	if c := w.pipe(t, "run", "--progress", "none", "--env-file", moved, shipped); c.code != 0 {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	if got := accounts(w.index().WhoFinds("component:default/booking-service")); len(got) != 4 ||
		len(w.index().Documents) == 0 {
		t.Errorf("DEFAULT_PERMISSIONS was not taken: %v", got)
	}
}
