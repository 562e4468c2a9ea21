package connection

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/redact"
)

// TestNoSecretLeaks (invariant 6): answers that echo the token in every form
// and in every place, and neither error nor log holds it.
func TestNoSecretLeaks(t *testing.T) {
	var forms []string
	for _, s := range secretForms() {
		forms = append(forms, s)
	}
	echo := strings.Join(forms, " ")
	quoted := fmt.Sprintf(`{"error":{"name":"E","message":%q}}`, canary)
	for name, serve := range map[string]http.HandlerFunc{
		"body":                      answer(400, "text/plain", echo),
		"JSON body":                 answer(500, appJSON, quoted),
		"title":                     answer(200, "text/html", "<html><title>"+echo+"</title>"),
		"title, status":             answer(403, "text/html", "<html><title>"+echo+"</title>"),
		"content type":              answer(200, "text/"+canary, "{}"),
		"encoding":                  answer(200, appJSON, "{}", "Content-Encoding", canary),
		"request ID":                answer(400, "", "", "X-Request-Id", canary),
		"redirect away":             answer(302, "", "", "Location", "https://idp.example.com/"+forms[0]+"?t="+canary),
		"redirect":                  answer(302, "", "", "Location", "/forbidden/"+url.PathEscape(canary)),
		"cut in two":                answer(400, "text/plain", strings.Repeat(" ", maxErrorBody-10)+canary),
		"cut in two at the excerpt": answer(400, "text/plain", strings.Repeat("x", maxExcerpt-10)+canary),
		"no HTTP":                   raw(canary + "\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, serve, func(c *Config, _ *Settings) {
				c.Headers = map[string]config.Secret{"X-Proxy-Key": config.NewSecret("Basic " + canary)}
			})
			_, err := f.get(t)
			if err == nil {
				t.Fatal("no error")
			}
			noSecret(t, "the error", everythingOf(err))
			noSecret(t, "the log", f.log.String())
			for _, text := range []string{everythingOf(err), f.log.String()} {
				if strings.Contains(text, canary[:6]) {
					t.Errorf("the beginning of the secret is there: %s", text)
				}
			}
		})
	}
}

func TestRedactor(t *testing.T) {
	var r redact.Redactor
	if r.Clean("abc") != "abc" {
		t.Error("a redactor that knows nothing changes texts")
	}
	r.Add("", "true", "secret-one", "secret-one-and-more\n", canary)
	for in, want := range map[string]string{
		"it is true":                     "it is true",
		"secret-one!":                    "[redacted]!",
		"secret-one-and-more":            "[redacted]",
		"secret-one secret-one":          "[redacted] [redacted]",
		"a secret-on":                    "a secret-on",
		"{\"t\":\"" + canary[:3] + "\"}": "{\"t\":\"" + canary[:3] + "\"}",
	} {
		if got := r.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
	for form, s := range secretForms() {
		noSecret(t, form, r.Clean("x"+s+"y"))
	}
}

func TestSharedRedactor(t *testing.T) {
	var shared redact.Redactor
	start(t, answer(200, appJSON, "{}"), func(c *Config, s *Settings) {
		s.Redactor = &shared
		c.Headers = map[string]config.Secret{"CF-Access-Client-Secret": config.NewSecret("cf-secret-value"),
			"Proxy-Authorization": config.NewSecret("Bearer iap-assertion")}
	})
	for in, want := range map[string]string{
		"token " + canary: "token [redacted]",
		"cf-secret-value": "[redacted]",
		"iap-assertion":   "[redacted]",
	} {
		if got := shared.Clean(in); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
