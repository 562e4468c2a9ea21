package host_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
	"github.com/pipe-engine/pipe/plugins/host"
)

var update = pipelinetest.UpdateFlag()

func registry(k *pipelinetest.Kit) component.Registry {
	r := k.Registry()
	r.Transforms = []component.TransformSpec[any]{host.Spec().Any()}
	return r
}

func TestGolden(t *testing.T) {
	pipelinetest.Golden(t, update, registry(new(pipelinetest.Kit)))
}

func TestSpec(t *testing.T) {
	if err := config.CheckSpec(host.Spec().Config()); err != nil {
		t.Error(err)
	}
}

const file = `
version: 1
name: test
source:
  catalog:
    url: http://localhost
mapping:
  documents:
    fields:
      id: ref
permissions:
  owners: list(metadata.title)
  default: none
sink:
  store:
    token: ${STORE_TOKEN}
transforms:
  - name: tidy
    when: kind == "API"
    plugin:
      command: ${PLUGIN}
      env: [PIPE_TEST_PLUGIN, GORACE]
`

// probe loads a pipeline whose plugin is the test binary and gives what only
// starting it shows, as a person reads it.
func probe(t *testing.T, block string, lenient bool) string {
	t.Helper()
	mode := "noop"
	if m, ok := strings.CutPrefix(block, "mode "); ok {
		mode, block, _ = strings.Cut(m, "\n")
	}
	secret := t.TempDir() + "/token"
	if err := os.WriteFile(secret, []byte("canary-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	set := map[string]string{"PIPE_TEST_PLUGIN": mode, "PLUGIN": os.Args[0], "GORACE": "atexit_sleep_ms=0",
		"STORE_TOKEN": "x", "NUMBER": "7", "TEXT": "7", "TOKEN_FILE": secret, "WRONG": "canary-value"}
	var log bytes.Buffer
	d := pipeline.Parse("pipeline.yaml", []byte(file+block), pipeline.Options{
		Log: slog.New(slog.NewTextHandler(&log, nil)), Registry: registry(new(pipelinetest.Kit)), Unpinned: true,
		Variables: config.Variables{Lenient: lenient, SkipSecrets: lenient, Lookup: func(name string) (string, bool) {
			v, ok := set[name]
			return v, ok
		}},
	})
	if d.Problems.HasErrors() {
		t.Fatalf("%v", d.Problems)
	}
	d.Probe(context.Background())
	text := strings.ReplaceAll(d.Problems.Error(), os.Args[0], "PLUGIN")
	var shown strings.Builder
	d.Problems.Render(&shown, func(string) []byte { return d.Document.Source() })
	if all := shown.String() + log.String(); strings.Contains(all, "canary") {
		t.Errorf("a secret is shown:\n%s", all)
	}
	if strings.Contains(block, "token: ${file") && !lenient && !strings.Contains(log.String(), "the token is [redacted]") {
		t.Errorf("what the plugin prints is not in the log:\n%s", log.String())
	}
	return text
}

// TestProbe: the config of a plugin is checked with its schema, at the places of
// the file, and no value that may be a secret is quoted.
func TestProbe(t *testing.T) {
	for block, want := range map[string]string{
		"":                                     "",
		"      config: {suffix: 12, max: 3}\n": "", // as everywhere, a text may look like a number
		"      config:\n        max: ${NUMBER}\n        suffix: ${TEXT}\n":                   "",
		"      config:\n        deep:\n          list: [1, true, x]\n          flag: true\n": "",
		"      config:\n        token: ${file:${TOKEN_FILE}}\n":                              "",
		"      config:\n        max: 0\n": "pipeline.yaml:24:14: " +
			"plugin-config: this is too small",
		"      config:\n        max: 1.5\n": "pipeline.yaml:24:14: plugin-config: the plugin requires integer " +
			"here, but this is number",
		"      config:\n        max: ${WRONG}\n": "pipeline.yaml:24:14: plugin-config: the plugin requires " +
			"integer here, but this is string",
		"      config:\n        deep:\n          flag: maybe\n": "pipeline.yaml:25:17: plugin-config: the plugin " +
			"requires boolean here, but this is string",
		"      config:\n        sufix: x\n": `pipeline.yaml:24:9: plugin-config: the plugin has no key "sufix"`,
		"      config:\n        suffix: [x]\n": "pipeline.yaml:24:9: plugin-config: the plugin requires string " +
			"here, but this is array",
		"      config: text\n": "pipeline.yaml:23:15: plugin-config: the config of a plugin must be a mapping",
		"      config:\n        suffix: ${file:${TOKEN_FILE}}\n": "pipeline.yaml:24:17: plugin-config: ${file:…} " +
			"is allowed only in a field that the plugin marks as secret",
		"      config:\n        token: canary-in-file\n": "pipeline.yaml:24:16: " +
			"warning: literal-secret: a secret is written in the file itself",
		"      config:\n        suffix: refuse\n": "pipeline.yaml:24:17: " +
			"plugin-config: tester refuses its config: this suffix is not to my liking",
		"mode crash at start\n": "pipeline.yaml:21:16: " +
			"plugin: plugin host: PLUGIN: it ended before it was ready (exit status 3); the last lines it printed:",
		"mode writes metadata\n": "pipeline.yaml:20:5: " +
			"plugin-access: tester writes metadata, and permissions read metadata.title: it could decide who finds a document",
		"mode writes metadata\n      may_change_access: true\n": "",
	} {
		if got := probe(t, block, false); got != want {
			t.Errorf("%s\ngot:  %s\nwant: %s", block, got, want)
		}
	}
}

// TestProbeLenient: a value whose variable is not set is no problem.
func TestProbeLenient(t *testing.T) {
	for _, block := range []string{"      config:\n        max: ${NOT_SET}\n        token: ${file:/nowhere}\n",
		"      config:\n        deep:\n          list: [\"${NOT_SET}\"]\n"} {
		if got := probe(t, block, true); got != "" {
			t.Errorf("%s: %s", block, got)
		}
	}
}
