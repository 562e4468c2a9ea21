package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// clock is a time that a test moves on.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time       { return c.now }
func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }
func newClock() *clock                { return &clock{time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)} }
func component(id string) map[string]any {
	return map[string]any{"objectType": "component", "docId": id}
}

// TestProcessing: uploads are indexed after a while, or when processing is requested, which
// Glean allows once in three hours.
func TestProcessing(t *testing.T) {
	now := newClock()
	other := catalog()
	other.Name = "other"
	c := start(t, sandbox.Options{Now: now.Now, Datasources: []api.DatasourceConfig{catalog(), other},
		Rules: sandbox.Rules{DocumentsTake: time.Hour}})
	c.must(api.PathBulkIndexDocuments, c.documents(whole("a"), docs("1")...), nil)
	indexed := func(want string, n int) {
		t.Helper()
		var s api.DatasourceStatus
		c.must(api.PathDebugStatus("backstage"), nil, &s)
		got := 0
		for _, count := range s.Documents.Counts.Indexed {
			got += *count.Count
		}
		var d api.DebugDocumentResponse
		c.must(api.PathDebugDocument("backstage"), component("1"), &d)
		if d.Status.IndexingStatus != want || got != n || *s.Documents.Counts.Uploaded[0].Count != 1 {
			t.Errorf("%+v with %d indexed, want %s with %d", d.Status, got, want, n)
		}
	}
	indexed(api.NotIndexed, 0)
	now.pass(time.Minute)
	c.must(api.PathProcessAllDocuments, api.ProcessAllDocumentsRequest{Datasource: "backstage"}, nil)
	indexed(api.Indexed, 1)
	c.refused(api.PathProcessAllDocuments, api.ProcessAllDocumentsRequest{Datasource: "backstage"},
		http.StatusTooManyRequests, "3 hours")
	c.must(api.PathProcessAllDocuments, api.ProcessAllDocumentsRequest{Datasource: "other"}, nil)
	c.must(api.PathProcessAllDocuments, nil, nil)
	now.pass(3*time.Hour - time.Second)
	c.refused(api.PathProcessAllDocuments, `{"datasource":"other"}`, http.StatusTooManyRequests, "3 hours")
	c.refused(api.PathProcessAllDocuments, nil, http.StatusTooManyRequests, "3 hours")
	now.pass(time.Second)
	c.must(api.PathProcessAllDocuments, `{"datasource":"other"}`, nil)
	c.must(api.PathProcessAllMemberships, nil, nil)
	c.must(api.PathProcessAllMemberships, api.ProcessAllMembershipsRequest{Datasource: "backstage"}, nil)
	c.refused(api.PathProcessAllMemberships, `{"datasource":"none"}`, http.StatusBadRequest, "Invalid datasource")
	var s api.DatasourceStatus
	c.must(api.PathDebugStatus("backstage"), nil, &s)
	if len(s.Documents.ProcessingHistory) != 2 || len(s.Identity.ProcessingHistory) != 2 {
		t.Errorf("%+v", s)
	}
}

// TestEvents: the life of a document, one question a minute.
func TestEvents(t *testing.T) {
	now := newClock()
	c := start(t, sandbox.Options{Now: now.Now, Rules: sandbox.Rules{DocumentsTake: 10 * time.Minute}})
	ask := func(extra string, want string) {
		t.Helper()
		now.pass(time.Minute)
		var r api.DebugDocumentLifecycleResponse
		c.must(api.PathDebugEvents("backstage"), `{"objectType":"component","docId":"1"`+extra+`}`, &r)
		var got []string
		for _, e := range r.LifeCycleEvents {
			got = append(got, e.Event+" "+e.Timestamp[11:16])
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%s\nwant %s", s, want)
		}
	}
	ask("", "")
	c.must(api.PathBulkIndexDocuments, c.documents(whole("a"), docs("1", "2", "3", "4", "5", "6")...), nil) // 12:01
	ask("", "UPLOADED 12:01")
	now.pass(9 * time.Minute)
	ask("", "INDEXED 12:11, UPLOADED 12:01")
	c.refused(api.PathDebugEvents("backstage"), `{"objectType":"component","docId":"1"}`, http.StatusTooManyRequests,
		"1 request per minute")
	c.must(api.PathBulkIndexDocuments, c.documents(whole("b"), docs("2", "3", "4", "5", "6")...), nil) // 12:12
	ask(`,"maxEvents":2`, "DELETION_REQUESTED 12:12, INDEXED 12:11")
	now.pass(9 * time.Minute)
	ask(`,"maxEvents":3`, "DELETED 12:22, DELETION_REQUESTED 12:12, INDEXED 12:11")
	c.refused(api.PathDebugEvents("backstage"), `{"objectType":"component","docId":"1","maxEvents":101}`,
		http.StatusBadRequest, "maxEvents")
	c.refused(api.PathDebugEvents("backstage"), `{"objectType":"component","docId":"1","startDate":"2026-07-01"}`,
		http.StatusBadRequest, "startDate")
	now.pass(8 * 24 * time.Hour)
	ask("", "")
	ask(`,"startDate":"2026-08-20","maxEvents":1`, "DELETED 12:22")
}

// TestToken: a rotated secret works at once, the one before for ten minutes,
// and one that is not rotated in time no more.
func TestToken(t *testing.T) {
	now := newClock()
	c := start(t, sandbox.Options{Token: "first", TokenPeriod: 24 * time.Hour, Now: now.Now})
	works := func(token string, want bool) {
		t.Helper()
		c.token = token
		status, _, err := c.post(api.PathDebugStatus("backstage"), nil)
		if err != nil || (status == http.StatusOK) != want {
			t.Errorf("%d %v", status, err)
		}
	}
	c.token = "first"
	var r api.RotateTokenResponse
	c.must(api.PathRotateToken, nil, &r)
	if r.CreatedAt != now.now.Unix() || r.RotationPeriodMinutes != 1440 || r.RawSecret == "" || r.RawSecret == "first" {
		t.Errorf("%+v", r)
	}
	works(r.RawSecret, true)
	now.pass(10*time.Minute - time.Second)
	works("first", true)
	now.pass(time.Second)
	works("first", false)
	works("other", false)
	now.pass(24 * time.Hour)
	works(r.RawSecret, false)

	c = start(t, sandbox.Options{Token: "fixed"})
	c.token = "fixed"
	c.refused(api.PathRotateToken, nil, http.StatusBadRequest, "not enabled")
}
