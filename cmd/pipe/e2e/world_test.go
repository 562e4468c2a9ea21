package e2e

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/sinks/glean"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// shipped is the pipeline that people run.
const shipped = "../../../pipelines/backstage.yaml"

// oneLine is a width at which no line is broken.
const oneLine = 1 << 20

// call is one call of the program in this process.
type call struct {
	code           int
	stdout, stderr string
}

func (c call) both() string { return c.stdout + c.stderr }

// pipe calls the program with nothing but env as its environment.
func pipe(t testing.TB, env map[string]string, args ...string) call {
	t.Helper()
	return fed(t, env, "", args...)
}

// fed is pipe with something at its input.
func fed(t testing.TB, env map[string]string, input string, args ...string) call {
	t.Helper()
	return hosted(t, env, cli.Host{Stdin: strings.NewReader(input)}, args...)
}

// attended is pipe with a person who watches.
func attended(t testing.TB, env map[string]string, args ...string) call {
	t.Helper()
	return hosted(t, env, cli.Host{Stdin: strings.NewReader(""), Person: true}, args...)
}

func hosted(t testing.TB, env map[string]string, h cli.Host, args ...string) call {
	t.Helper()
	var out, errs strings.Builder
	h.Registry, h.Args = components.Registry(), append([]string{"pipe"}, args...)
	h.Env = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	h.Stdout, h.Stderr, h.Width = &out, &errs, oneLine
	code := cli.Run(t.Context(), h)
	return call{code, out.String(), errs.String()}
}

// datasourceOf is the datasource that a pipeline file declares for a Backstage
// whose pages are at uiURL.
func datasourceOf(path, uiURL string) gleanapi.DatasourceConfig {
	var cfg *settings.Config
	spec := glean.Spec()
	streams := spec.Streams
	spec.Streams = func(c *settings.Config) []component.Stream {
		cfg = c
		return streams(c)
	}
	r := components.Registry()
	r.Sinks = []component.SinkSpec[any]{spec.Any()}
	d := pipeline.Load(path, pipeline.Options{
		Registry:  r,
		Settings:  []pipeline.Setting{{Path: "@source.ui_url", Value: uiURL}, {Path: "@source.url", Value: uiURL}},
		Variables: config.Variables{Lookup: func(string) (string, bool) { return "", false }, Lenient: true},
	})
	if cfg == nil {
		panic(d.Problems.Error())
	}
	return cfg.DatasourceConfig()
}

// world is a catalog server, an index server that knows the datasource, and
// the environment that points the shipped pipeline at them.
type world struct {
	backstage *backstagefaults.Server
	glean     *gleanfaults.Server
	env       map[string]string
	state     string // the folder above that of the state
}

const (
	sourceToken = "canary-source-8f14e45f"
	sinkToken   = "canary-sink-c9f0f895"
)

func newWorld(t testing.TB, b backstagesandbox.Options, g gleansandbox.Options) *world {
	t.Helper()
	here := func(do func()) { do() }
	return newWorldIn(t, here, here, b, g)
}

// newWorldIn is newWorld; the servers start in inside and outside.
func newWorldIn(t testing.TB, inside, outside func(do func()), b backstagesandbox.Options,
	g gleansandbox.Options) *world {
	t.Helper()
	if b.Entities == nil {
		b.Entities = backstagesandbox.Company()
	}
	b.Token, g.Token = cmp.Or(b.Token, sourceToken), cmp.Or(g.Token, sinkToken)
	var source *backstagefaults.Server
	var err error
	inside(func() { source, err = backstagefaults.Start(b) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	if g.Datasources == nil {
		g.Datasources = []gleanapi.DatasourceConfig{datasourceOf(shipped, source.URL())}
	}
	var sink *gleanfaults.Server
	outside(func() { sink, err = gleanfaults.Start(g) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sink.Close)
	w := &world{backstage: source, glean: sink}
	w.state = t.TempDir()
	w.env = w.environment()
	return w
}

// environment points the shipped pipeline at the two servers.
func (w *world) environment() map[string]string {
	return map[string]string{
		"BACKSTAGE_BASE_URL": w.backstage.URL(), "BACKSTAGE_API_TOKEN": sourceToken,
		"GLEAN_SERVER_URL": w.glean.URL(), "GLEAN_INDEXING_API_KEY": sinkToken, "CI": "true",
		"XDG_STATE_HOME": w.state,
	}
}

func (w *world) index() gleansandbox.Index { return w.glean.Index("backstage") }

func (w *world) pipe(t testing.TB, args ...string) call {
	t.Helper()
	return pipe(t, w.env, args...)
}

// write makes a file in a folder of the test's own.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// edited is the shipped pipeline with some of its text replaced.
func edited(t testing.TB, oldnew ...string) string {
	t.Helper()
	b, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(text, oldnew[i]) {
			t.Fatalf("the shipped pipeline has no %q", oldnew[i])
		}
		text = strings.Replace(text, oldnew[i], oldnew[i+1], 1)
	}
	return write(t, "pipeline.yaml", text)
}

// read returns the text of a file.
func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
