// Package redact tests the Python plugin in its folder over the real protocol.
package redact

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/plugins/sdk"
)

const python = "/usr/bin/python3"

func described(text string) map[string]any {
	return map[string]any{"kind": "Component", "ref": "component:default/a", "metadata": map[string]any{
		"name": "ann@example.com", "description": text}}
}

func TestRedact(t *testing.T) {
	if out, err := exec.Command(python, "-c", "import grpc").CombinedOutput(); err != nil {
		t.Skipf("%s has no grpcio (apt-get install python3-grpcio): %v %s", python, err, out)
	}
	link := func(url string) map[string]any {
		return map[string]any{"kind": "API", "ref": "api:default/a", "metadata": map[string]any{
			"links": []any{map[string]any{"title": "log in", "url": url}}}, "spec": map[string]any{"definition": 7}}
	}
	cases := []sdk.Case{
		{Name: "nothing to redact", Record: described("Ask the team, token: string, password: {type: text1}")},
		{Name: "no text", Record: `{"kind": "API", "ref": "api:default/a"}`},
		{Name: "in a list", Record: link("https://bob:hunter2@example.com/"),
			Want: link("https://bob:[redacted password]@example.com/")},
		{Name: "not asked for", Config: `{"emails": false, "fields": ["metadata.title"]}`, Record: described("ann@example.com")},
		{Name: "own pattern", Config: `{"patterns": {"ticket": "OPS-\\d+"}}`, Record: described("see OPS-12, é"), Want: described("see [redacted ticket], é")},
		{Name: "long and hostile", Record: described(strings.Repeat("a.", 3_000_000) + strings.Repeat("password=", 50_000))},
		{Name: "bad pattern", Config: `{"patterns": {"x": "("}}`, Record: described(""), ConfigError: "patterns.x: it is not a regular expression"},
		{Name: "unknown key", Config: `{"pattern": {}}`, Record: described(""), ConfigError: "pattern: there is no such field"},
		{Name: "unknown field", Config: `{"fields": ["metadata.name"]}`, Record: described(""), ConfigError: "metadata.name is not one of"},
		{Name: "config that is no object", Config: `{"fields": 3}`, Record: described(""), ConfigError: "TypeError"},
	}
	for text, want := range map[string]string{
		"mail ann.b+c@mail.example.co.uk.":                                    "mail [redacted e-mail].",
		"use ghp_" + strings.Repeat("a1", 18) + " to log in":                  "use [redacted token] to log in",
		"key AKIA" + strings.Repeat("Q7", 8):                                  "key [redacted token]",
		`{"password": "s3cret-enough"}`:                                       `{"password": "[redacted secret]"}`,
		"API_KEY=abcdefgh1 and more":                                          "API_KEY=[redacted secret] and more",
		"-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----": "[redacted private key]",
	} {
		cases = append(cases, sdk.Case{Name: want, Record: described(text), Want: described(want)})
	}
	sdk.TestCommand(t, []string{python, "redact.py"}, cases)
}

func TestStartedByHand(t *testing.T) {
	cmd := exec.Command(python, "redact.py")
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	if err := exec.Command(python, "--version").Run(); err != nil {
		t.Skip(python + " is not installed")
	}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "redact 1.0.0 is a plugin of pipe") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestHints: the hint of a pattern is in every text that the pattern matches.
func TestHints(t *testing.T) {
	if err := exec.Command(python, "--version").Run(); err != nil {
		t.Skip(python + " is not installed")
	}
	cmd := exec.Command(python, "-B", "hints_test.py")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
