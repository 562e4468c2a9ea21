package cli

import (
	"strings"
	"testing"
)

// TestWrongFile: a file of another kind is one problem that names its kind, and not a list of the
// keys that it lacks. A file that is only wrong is no other kind.
func TestWrongFile(t *testing.T) {
	pipeline := write(t, "pipeline.yaml", "version: 1\nname: a\nsource: {backstage: {}}\nsink: {glean: {}}\nnotify: {}\n")
	tests := write(t, "a.yaml", "tests:\n  - name: one\n    expect: {}\n")
	notTests := write(t, "b.test.yaml", "version: 1\nsource: {backstage: {}}\nsink: {glean: {}}\n")
	agent := write(t, "agent.yaml", "version: 1\nname: a\nkey_file: k\nhub: {url: https://hub.example.com}\ntargets: {}\n")
	hub := write(t, "hub.yaml", "version: 1\nlisten: 0.0.0.0:8443\nagents: {}\n")
	openID := write(t, "openid.yaml", "issuer: https://login.example.com\nclient_id: a\ngrants: []\n")
	const isPipeline, isAgent = "this is a pipeline file", "this is the file of an agent"
	const isHub = "this is the file of a hub"
	for _, one := range []struct{ command, file, want string }{
		{"agent check", pipeline, isPipeline + ", and the file of an agent is expected"},
		{"agent run", pipeline, isPipeline}, {"agent check", hub, isHub}, {"hub check", agent, isAgent},
		{"hub check", pipeline, isPipeline + ", and the file of a hub is expected"}, {"hub run", agent, isAgent},
		{"check", agent, isAgent + ", and a pipeline file is expected"}, {"check", hub, isHub},
		{"run --dry-run", agent, isAgent},
		{"check", openID, "this is the file of an OpenID provider"}, {"check", tests, "this is a file of tests"},
		{"check", notTests, isPipeline + ", and a file of tests is expected"},
	} {
		c := pipe(t, nil, append(strings.Fields(one.command), one.file)...)
		text := strings.Join(strings.Fields(c.both()), " ")
		if c.code != 2 || !strings.Contains(text, one.want) || strings.Contains(text, "required and missing") ||
			strings.Contains(text, "unknown key") || strings.Count(text, "hint:") > 1 {
			t.Errorf("%s %s: %d\n%s", one.command, one.file, c.code, c.both())
		}
	}
	half := write(t, "half.yaml", "version: 1\nname: a\nhub: {url: https://hub.example.com}\n"+
		"key_file: k\nsource: {backstage: {}}\n")
	if c := pipe(t, nil, "check", half); !strings.Contains(c.both(), "unknown key") {
		t.Error(c.both())
	}
}

// TestMissingBlock: a required block that is missing or empty is reported by its own name.
func TestMissingBlock(t *testing.T) {
	for file, want := range map[string]string{
		"version: 1\nname: a\nkey_file: k\naudit: {file: a.log}\ntargets: {}\n": "\"hub\" is required and missing",
		"version: 1\nname: a\nkey_file: k\naudit: {file: a.log}\nhub:\n":        "\"hub\" is required and empty",
		"version: 1\nname: a\nkey_file: k\nhub: {token: ${T:-x}, url: \"https://hub.example.com\"}\n" +
			"": "\"audit\" is required " +
			"and missing",
		"version: 1\nname: a\nkey_file: k\naudit: {file: a.log}\nhbu: {url: x}\n": "did you mean hub?",
	} {
		text := strings.Join(strings.Fields(pipe(t, nil, "agent", "check", write(t, "agent.yaml", file)).both()), " ")
		if !strings.Contains(text, want) || strings.Contains(text, "\"url\" is required") ||
			strings.Contains(text, "\"file\" is required") || strings.Contains(text, "no identity") {
			t.Errorf("%s:\n%s", file, text)
		}
	}
}
