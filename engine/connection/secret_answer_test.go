package connection

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestSecretAnswer: of an answer that may hold a secret no error quotes the body or a header,
// but what Reason takes out of it.
func TestSecretAnswer(t *testing.T) {
	const canary = "canary-of-an-answer"
	status, body := 400, canary
	header := http.Header{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	var logged strings.Builder
	ask := func(reason func([]byte) string) error {
		logged.Reset()
		removed := DeprecationHeader{Name: "X-Removed", Sentence: func(v string) string { return v }}
		c, err := New(Default(), Settings{Name: "test", URL: server.URL, Allow: func(string, string) bool { return true },
			Log:         slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Deprecation: removed})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = c.Do(t.Context(), Request{Method: http.MethodGet, Path: "/", Secret: true, NoRetry: true, Reason: reason})
		if err == nil {
			t.Fatal("no error")
		}
		return err
	}
	for name, one := range map[string]struct {
		status int
		header http.Header
	}{
		"a request ID":         {400, http.Header{"X-Request-Id": {canary}}},
		"a deprecation":        {400, http.Header{"X-Removed": {canary}, "Deprecation": {canary}, "Sunset": {canary}}},
		"a type":               {200, http.Header{"Content-Type": {"text/" + canary}}},
		"an encoding":          {200, http.Header{"Content-Encoding": {canary}}},
		"a redirect":           {307, http.Header{"Location": {"/" + canary}}},
		"a page":               {200, http.Header{"Content-Type": {"text/html"}}},
		"JSON that is none":    {200, http.Header{"Content-Type": {"application/json"}}},
		"a page with a status": {404, http.Header{"Content-Type": {"text/html"}}},
	} {
		status, header = one.status, one.header
		if err := ask(nil); strings.Contains(err.Error()+logged.String(), canary) {
			t.Errorf("%s: %v\n%s", name, err, logged.String())
		}
	}
	status, header = 400, nil
	var s *StatusError
	if err := ask(func([]byte) string { return "Denied" }); !errors.As(err, &s) || s.Body != "Denied" {
		t.Errorf("%v", err)
	}
}
