package e2e

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// A token with its quotes or its scheme is named before it is sent, and not shown.
func TestTokenForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	for _, name := range []string{"BACKSTAGE_API_TOKEN", "GLEAN_INDEXING_API_KEY"} {
		for token, want := range map[string]string{"Bearer canary-token-7": "the token begins with Bearer",
			`"canary-token-7"`: "the token begins with a quotation mark"} {
			env := maps.Clone(w.env)
			env[name] = token
			for _, command := range []string{"check", "run", "doctor"} {
				c := pipe(t, env, command, shipped)
				if c.code != int(job.Wrong) || !strings.Contains(c.both(), want) ||
					!strings.Contains(c.both(), "write ") || strings.Contains(c.both(), "canary-token") {
					t.Errorf("%s with %s: exit %d, want %q in\n%s", command, name, c.code, want, c.both())
				}
			}
		}
	}
}

// An address that was copied from a request is explained before it is used.
func TestAddressBelowAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	for name, c := range map[string]struct{ variable, value, want string }{
		"Backstage": {"BACKSTAGE_BASE_URL", w.backstage.URL() + "/api/catalog/entities",
			"remove /api and everything after it"},
		"Glean":        {"GLEAN_SERVER_URL", w.glean.URL() + "/api/index/v1", "write the host alone"},
		"the client's": {"GLEAN_SERVER_URL", w.glean.URL() + "/rest/api/v1/", "write the host alone"},
	} {
		env := maps.Clone(w.env)
		env[c.variable] = c.value
		for _, command := range []string{"check", "run", "doctor"} {
			if got := pipe(t, env, command, shipped); got.code != int(job.Wrong) || !strings.Contains(got.both(), c.want) {
				t.Errorf("%s: %s: exit %d, want %q in\n%s", name, command, got.code, c.want, got.both())
			}
		}
	}
	for _, c := range []struct{ variable, value string }{{"BACKSTAGE_BASE_URL",
		"https://gateway.example.com/api/backstage"}, {"GLEAN_SERVER_URL", "https://gateway.example.com/api"}} {
		env := maps.Clone(w.env)
		env[c.variable] = c.value
		if got := pipe(t, env, "check", shipped); got.code != 0 || !strings.Contains(got.both(), "warning: ") ||
			!strings.Contains(got.both(), "the address contains /api") {
			t.Errorf("%s: exit %d\n%s", c.value, got.code, got.both())
		}
	}
}

// An error names the full path of the request, including the address's.
func TestErrorNamesThePath(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		if strings.Contains(r.URL.Path, "odd") {
			rw.Write([]byte(`{"a":1}`))
			return
		}
		rw.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	for path, want := range map[string]string{
		"/portal": "GET /portal/api/catalog/entities/by-query: 404 Not Found",
		"/odd":    "GET /odd/api/catalog/entities/by-query: the response is not a page of entities",
	} {
		c := pipe(t, map[string]string{"BACKSTAGE_BASE_URL": server.URL + path}, "show", shipped, "components")
		if !strings.Contains(c.stderr, want) {
			t.Errorf("want %q in\n%s", want, c.both())
		}
	}
}

// A variable in --set is replaced as in the file.
func TestSetVariable(t *testing.T) {
	env := map[string]string{"SIZE": "17", "HOST": "backstage.example.com"}
	c := pipe(t, env, "config", "--set", "source.backstage.page_size=${SIZE}", "--set",
		"source.backstage.ui_url=https://${HOST}", shipped)
	if c.code != 0 || !strings.Contains(c.stdout, " 17\n") ||
		!strings.Contains(c.stdout, "https://backstage.example.com") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	c = pipe(t, env, "check", "--strict-env", "--set", "source.backstage.page_size=${NOBODY}", shipped)
	if c.code != int(job.Wrong) ||
		!strings.Contains(c.both(), "--set source.backstage.page_size: undefined-variable: NOBODY is not set") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}
