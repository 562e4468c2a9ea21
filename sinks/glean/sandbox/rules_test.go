package sandbox_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestReadings: each switch has its own reading and is in the worst one, and names are
// unique.
func TestReadings(t *testing.T) {
	readings := sandbox.Readings()
	worst := reflect.ValueOf(readings[len(readings)-1].Rules)
	names := map[string]bool{}
	alone := map[string]bool{}
	for _, r := range readings {
		if names[r.Name] {
			t.Errorf("%s is listed twice", r.Name)
		}
		names[r.Name] = true
		v, set := reflect.ValueOf(r.Rules), ""
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				set += v.Type().Field(i).Name
			}
		}
		alone[set] = true
	}
	for i := range worst.NumField() {
		field := worst.Type().Field(i)
		if field.Type == reflect.TypeFor[time.Duration]() {
			continue
		}
		if worst.Field(i).IsZero() || !alone[field.Name] {
			t.Errorf("%s is in no reading of its own or not in the worst", field.Name)
		}
	}
}

func first(id string) api.Page {
	return api.Page{UploadID: id, Datasource: "backstage", IsFirstPage: true}
}

func TestScope(t *testing.T) {
	for scope, want := range map[sandbox.Scope]string{sandbox.OfStream: "200 200 200 409",
		sandbox.OfKind: "200 200 409 409", sandbox.OfDatasource: "200 409 409 409"} {
		c := start(t, sandbox.Options{Rules: sandbox.Rules{Scope: scope}})
		var got []string
		for _, step := range []struct {
			path string
			body any
		}{
			{api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: first("m"), Group: "g"}},
			{api.PathBulkIndexDocuments, api.BulkIndexDocumentsRequest{Page: first("d")}},
			{api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: first("n"), Group: "h"}},
			{api.PathBulkIndexMemberships, api.BulkIndexMembershipsRequest{Page: first("o"), Group: "g"}},
		} {
			status, _, err := c.post(step.path, step.body)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(status))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("scope %d: %v, want %s", scope, got, want)
		}
		if scope == sandbox.OfDatasource { // discarding applies to every stream
			p := first("p")
			p.ForceRestartUpload = true
			c.must(api.PathBulkIndexUsers, api.BulkIndexUsersRequest{Page: p}, nil)
			if u := c.Index("backstage").Unfinished(); len(u) != 1 || u[0].ID != "p" {
				t.Errorf("unfinished: %+v", u)
			}
		}
	}
}

func TestSameIDBeginsAnew(t *testing.T) {
	c := start(t, sandbox.Options{Rules: sandbox.Rules{SameIDBeginsAnew: true}})
	c.must(api.PathBulkIndexDocuments, step{"a", "f", []string{"1"}, 0, ""}.request(), nil)
	c.refused(api.PathBulkIndexDocuments, step{"b", "f", nil, 0, ""}.request(), http.StatusConflict, "in progress")
	c.must(api.PathBulkIndexDocuments, step{"a", "f", []string{"2"}, 0, ""}.request(), nil)
	c.must(api.PathBulkIndexDocuments, step{"a", "l", []string{"3"}, 0, ""}.request(), nil)
	if got := c.ids(); got != "2 3" {
		t.Errorf("the index holds %q", got)
	}
}

func TestGroupsIgnoreCase(t *testing.T) {
	for _, anyCase := range []bool{false, true} {
		c := start(t, sandbox.Options{Rules: sandbox.Rules{GroupsIgnoreCase: anyCase}})
		c.putUsers(user("a@x"), user("b@x"))
		c.putGroups("Team", "Outer")
		c.putMembers("team", "a@x")
		c.putMembers("OUTER", "TEAM")
		c.must(api.PathBulkIndexDocuments, c.documents(whole("d"),
			doc("1", api.Permissions{AllowedGroups: []string{"tEAM"}}),
			doc("2", api.Permissions{AllowedGroups: []string{"outer"}})), nil)
		want := ""
		if anyCase {
			want = "a@x"
		}
		for _, id := range []string{"1", "2"} {
			if got := strings.Join(c.Index("backstage").WhoFinds(id), " "); got != want {
				t.Errorf("any case %v: %s is found by %q", anyCase, id, got)
			}
		}
	}
}

func TestMissingIsNotFound(t *testing.T) {
	c := start(t, sandbox.Options{Rules: sandbox.Rules{MissingIsNotFound: true}})
	c.refused(api.PathGetDatasourceConfig, api.GetDatasourceConfigRequest{Datasource: "other"}, http.StatusNotFound,
		"Invalid datasource")
}

// TestTime: uploads that live for a while, and a status that is late.
func TestTime(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	c := start(t, sandbox.Options{Now: func() time.Time { return now },
		Rules: sandbox.Rules{UploadsLive: time.Hour, StatusLags: time.Minute}})
	look := func() string {
		var s api.DatasourceStatus
		c.must(api.PathDebugStatus("backstage"), nil, &s)
		out := ""
		for _, u := range s.Documents.BulkUploadHistory {
			out += u.UploadID + " " + u.Status + " "
		}
		for _, n := range s.Documents.Counts.Uploaded {
			out += fmt.Sprint(*n.Count)
		}
		return out
	}
	step := func(s step, passes time.Duration, want string) {
		t.Helper()
		c.must(api.PathBulkIndexDocuments, s.request(), nil)
		now = now.Add(passes)
		if got := look(); got != want {
			t.Errorf("after %s %s: %q, want %q", s.id, s.flags, got, want)
		}
	}
	step(stepOf("a", "f"), 59*time.Second, "")
	step(stepOf("a", "", "1"), 59*time.Second, "a ACTIVE ")
	step(stepOf("a", "l", "2"), 59*time.Second, "a ACTIVE ")
	step(stepOf("b", "f"), time.Minute, "b ACTIVE a SUCCESSFUL 2")
	now = now.Add(time.Hour)
	c.refused(api.PathBulkIndexDocuments, stepOf("b", "l").request(), http.StatusBadRequest, "not in progress")
	step(stepOf("c", "f"), time.Minute, "c ACTIVE a SUCCESSFUL 2")
}

func stepOf(id, flags string, docs ...string) step { return step{id: id, flags: flags, docs: docs} }

// TestAmbiguousFaults: what takes effect once, twice, later or although the
// answer says otherwise.
func TestAmbiguousFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		fault  faults.Fault
		status int    // 0: no answer
		at     string // uploads that there are at once
		later  string // after two more requests
	}{
		"500 after it took effect":  {faults.Fault{Status: 500, TakesEffect: true, Times: 1}, 500, "a", "a"},
		"500":                       {faults.Fault{Status: 500, Times: 1}, 500, "", ""},
		"twice":                     {faults.Fault{Twice: true, Times: 1}, 409, "a", "a"},
		"late":                      {faults.Fault{Status: 504, Late: 2, Times: 1}, 504, "", "a"},
		"lost, and late":            {faults.Fault{Reset: true, Late: 2, Times: 1}, 0, "", "a"},
		"later than anybody looks":  {faults.Fault{Status: 504, Late: 3, Times: 1}, 504, "", ""},
		"at once, and again":        {faults.Fault{Late: 1, Times: 1}, 200, "a", "a"},
		"lost after it took effect": {faults.Fault{LoseAnswer: true, Times: 1}, 0, "a", "a"},
	} {
		c := start(t, sandbox.Options{})
		c.Fail(tc.fault)
		uploads := func() string {
			var out []string
			for _, u := range c.Index("backstage").Uploads {
				out = append(out, u.ID)
			}
			return strings.Join(out, " ")
		}
		status, _, err := c.post(api.PathBulkIndexDocuments, stepOf("a", "f", "1").request())
		if (err == nil) != (tc.status > 0) || err == nil && status != tc.status || uploads() != tc.at {
			t.Errorf("%s: %d %v, uploads %q", name, status, err, uploads())
		}
		for range 2 {
			c.must(api.PathGetDatasourceConfig, api.GetDatasourceConfigRequest{Datasource: "backstage"},
				new(api.DatasourceConfig))
		}
		if uploads() != tc.later {
			t.Errorf("%s: later uploads %q, want %q", name, uploads(), tc.later)
		}
	}
}
