package glean_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// answering is a sink with a Glean that answers as the test defines.
func answering(t *testing.T, answer func(path string) (status int, contentType, body string)) (gleantest.Session,
	*glean.Sink) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, contentType, body := answer(r.URL.Path)
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	cfg := gleantest.Settings()
	cfg.ServerURL, cfg.RecoveryWait, cfg.Retries.Attempts = server.URL, 0, 2
	k, err := glean.Open(cfg, component.Settings{Loopback: true}, glean.Options{
		Retry: fault.Retry{Attempts: 2, Base: time.Microsecond, Cap: time.Microsecond}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	opened, err := k.Open(t.Context(), component.Opening{Pipeline: "pipe", RunID: "01JCQ7ZJ8Z0000000000000000",
		Written: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(gleantest.Session), k
}

func agreeing(t testing.TB) string {
	live, err := codec.Marshal(gleantest.Catalog())
	if err != nil {
		t.Fatal(err)
	}
	return string(live)
}

const goodStatus = `{"documents":{"bulkUploadHistory":[{"uploadId":"pipe-documents-01JCQ7ZJ8Z0000000000000000",` +
	`"startTime":"2026-08-01T12:00:00.000Z","endTime":"NA","status":"ACTIVE","processingState":"UPLOAD STARTED"}],` +
	`"counts":{"uploaded":[{"objectType":"component","count":2}]}},"identity":{"users":{"bulkUploadHistory":[],` +
	`"counts":{"uploaded":1}},"groups":{"counts":{"uploaded":1}},"memberships":{"counts":{"uploaded":1}}},` +
	`"datasourceVisibility":"ENABLED_FOR_ALL"}`

// FuzzStatus: values taken from a status are in it, and no status makes an upload complete
// that it does not name.
func FuzzStatus(f *testing.F) {
	for _, seed := range []string{
		goodStatus, `{}`, `[]`, `null`, `"x"`, `0`, ``, `{`, `<html>`, "\x00\xff", `{"documents":null,"identity":null}`,
		`{"documents":{"counts":{"uploaded":[{"objectType":"a","count":9223372036854775807},{"objectType":"a","count":1}]}}}`,
		strings.ReplaceAll(goodStatus, `"count":2`, `"count":-2`),
		strings.ReplaceAll(goodStatus, `"uploaded":1`, `"uploaded":-1`),
		strings.ReplaceAll(goodStatus, `"uploaded":1`, `"uploaded":1e99`),
		strings.ReplaceAll(goodStatus, "ACTIVE", "SUCCESSFUL"), strings.ReplaceAll(goodStatus, "2026", "9999"),
		strings.ReplaceAll(goodStatus, "2026", "x"), strings.ReplaceAll(goodStatus, "pipe-documents-", ""),
		strings.ReplaceAll(goodStatus, `"uploaded":[`, `"uploaded":[null,`),
		strings.ReplaceAll(goodStatus, `"bulkUploadHistory":[]`, `"bulkUploadHistory":{}`), `{"documents":` +
			strings.Repeat(`[`, 200) + strings.Repeat(`]`, 200) + `}`,
	} {
		f.Add(seed)
	}
	live := agreeing(f)
	f.Fuzz(func(t *testing.T, body string) {
		s, sink := answering(t, func(path string) (int, string, string) {
			if strings.HasSuffix(path, "/status") {
				return http.StatusOK, "application/json", body
			}
			return http.StatusOK, "application/json", live
		})
		held, err := s.Holds(t.Context())
		total := 0
		for stream, n := range held.Streams {
			if total += n; n < 0 || err != nil {
				t.Errorf("%s: %d, %v", stream, n, err)
			}
		}
		if _, notJSON := codec.Decode([]byte(body)); notJSON != nil && len(held.Streams) > 0 {
			t.Errorf("%v out of nonsense", held)
		}
		_ = sink.Check(t.Context())
	})
}

// FuzzConfig: a live config agrees only when it equals the file's settings.
func FuzzConfig(f *testing.F) {
	live := agreeing(f)
	for _, seed := range []string{
		live, `{}`, `[]`, `null`, ``, `{`, "\xff", strings.ReplaceAll(live, `"name":"backstage"`,
			`"name":"CUSTOM_BACKSTAGE"`), strings.ReplaceAll(live, `true`, `false`), strings.ReplaceAll(live, `true`, `"true"`),
		strings.ReplaceAll(live, `"objectDefinitions":[`, `"objectDefinitions":[null,`),
		strings.ReplaceAll(live, `PICKLIST`, `TEXT`), `{"name":"backstage"}`, live + live, "[" + live + "]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s, sink := answering(t, func(path string) (int, string, string) {
			if strings.HasSuffix(path, "/status") {
				return http.StatusOK, "application/json", goodStatus
			}
			return http.StatusOK, "application/json", body
		})
		if err := s.Preflight(t.Context()); err == nil {
			var c api.DatasourceConfig
			if codec.Unmarshal([]byte(body), &c) != nil || !settings.IsTrue(c.IsUserReferencedByEmail) ||
				c.URLRegex != gleantest.Catalog().URLRegex || !strings.HasSuffix(strings.ToLower(c.Name), "backstage") ||
				len(c.ObjectDefinitions) < 2 {
				t.Errorf("it agrees: %s", body)
			}
		}
		_, _ = sink.PlanProvision(t.Context(), component.ProvisionOptions{})
	})
}

// FuzzRefusal: whatever Glean refuses a page with, nothing is taken for
// accepted, and the end is an error.
func FuzzRefusal(f *testing.F) {
	for _, status := range []int{100, 200, 204, 301, 302, 400, 401, 403, 404, 408, 409, 410, 413, 422, 429, 500, 501,
		502, 503, 504, 599, 999} {
		for _, body := range []string{``, `{`, `{"error":{"message":"x"}}`, `{"message":5}`, "\x1b[31m\xff\x00",
			`document "component:default/d000": bad`, `<html><title>x</title>`, strings.Repeat("x", 2000)} {
			f.Add(status, body)
		}
	}
	live := agreeing(f)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 999 {
			return
		}
		s, sink := answering(t, func(path string) (int, string, string) {
			switch {
			case strings.HasSuffix(path, "/status"):
				return http.StatusOK, "application/json", "{}"
			case strings.HasSuffix(path, "/getdatasourceconfig"):
				return http.StatusOK, "application/json", live
			}
			return status, "text/plain", body
		})
		x := &gleantest.Fixture{T: t}
		x.Reset()
		x.Sink = sink
		if err := s.Seal(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		for _, d := range gleantest.Docs(12) {
			e, _, err := s.Encode(d)
			if err != nil {
				t.Fatal(err)
			}
			x.Staged["documents"] = append(x.Staged["documents"], e)
		}
		sent := 0
		plan := &component.Plan{Note: x.Note, Uploaded: func(string, string) {}, Sent: func(_ string, n int) { sent += n },
			Reject:  func(string, component.Encoded, string) error { return nil },
			Streams: []component.StreamPlan{{Name: "documents", Count: 12, Items: gleantest.Volatile(x.Staged["documents"])}}}
		err := s.Publish(context.WithoutCancel(t.Context()), plan)
		if accepted := api.Acknowledged(status, []byte(body)) == nil; !accepted && (err == nil || sent > 0) {
			t.Errorf("%d %q: %v, %d sent", status, body, err, sent)
		}
		if err != nil {
			if text := err.Error(); strings.ContainsAny(text, "\x1b\x00") || len(text) > 3000 ||
				errors.Is(err, context.Canceled) {
				t.Errorf("%q", text)
			}
		}
	})
}
