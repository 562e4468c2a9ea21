package e2e

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pipe-engine/pipe"

// homes are the libraries that shape the program and the one package, or
// folder, that may import each.
var homes = map[string][]string{
	"gopkg.in/yaml.v3":                         {"engine/config"},
	"github.com/expr-lang/expr":                {"engine/expression"},
	"github.com/go-json-experiment/json":       {"engine/codec"},
	"github.com/santhosh-tekuri/jsonschema/v6": {"plugins/host/settings", "cmd/pipe/cli"}, // cmd/pipe/cli: its tests
	"encoding/json":                            {"plugins/sdk"},
	"encoding/json/v2":                         {},
	"github.com/urfave/cli/v2":                 {"cmd/pipe/cli", "cmd/pipe/e2e", "cmd/pipe-worker/cli"},
	"github.com/hashicorp/go-plugin":           {"plugins"},
	"google.golang.org/grpc":                   {"plugins"},
	"google.golang.org/protobuf":               {"plugins", "engine/fleet", "engine/trace"}, // engine/trace: its tests
	"go.temporal.io":                           {"engine/fleet"},
	"github.com/jackc/pgx/v5":                  {"engine/fleet/postgres"},
	"github.com/getkin/kin-openapi":            {"sinks/glean/contract", "engine/serve/api"},
	"github.com/charmbracelet/lipgloss":        {"cmd/pipe/cli/print"},
	"github.com/vbauerster/mpb/v8":             {"cmd/pipe/cli"},
	"github.com/prometheus":                    {"engine/report", "engine/serve/metrics"},
	"go.opentelemetry.io":                      {"engine/trace"},
	"github.com/yuin/goldmark":                 {"engine/markdown"},
	"github.com/oklog/ulid/v2":                 {"engine/run", "sinks/glean"},
	"golang.org/x/sync":                        {"plugins/host"},
	"github.com/coreos/go-oidc/v3":             {"engine/serve/signin/openid"},
	"golang.org/x/oauth2":                      {"engine/connection/auth", "engine/serve/signin/openid"}, // of go-oidc
	"github.com/aws":                           {"engine/connection/auth", "engine/secret"},
	"github.com/robfig/cron/v3":                {"engine/schedule"},
	"golang.org/x/time/rate":                   {"engine/connection"},
	"github.com/coder/websocket":               {"engine/broker/tunnel"},
	"github.com/hashicorp/yamux":               {"engine/broker/tunnel"},
	"filippo.io/age":                           {"engine/secret/store"},
	"modernc.org/sqlite":                       {"engine/sqlite"},
	"github.com/chromedp":                      {"engine/serve"}, // tests of pages
	"github.com/gofrs/flock": {
		"engine/state", "engine/secret/store", "engine/sqlite", "engine/serve",
		"engine/broker/requestlog", "cmd/pipe/cli",
	},
	"github.com/modelcontextprotocol/go-sdk": {"engine/editor/mcp"},
	"github.com/sourcegraph/conc":            {"engine", "sinks/glean", "sources/backstage", "cmd/pipe/cli"},
}

// TestImports: cmd → components → engine, never the other way round; components do not
// import each other, except a plugin's SDK and protocol; each library that shapes the
// program is imported by one package.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}:{{range .Imports}} {{.}}{{end}}{{range .TestImports}} test:{{.}}{{end}}{{range .XTestImports}} test:{{.}}{{end}}`, module+"/...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		pkg, list, _ := strings.Cut(line, ":")
		from := strings.TrimPrefix(pkg, module+"/")
		for _, imp := range strings.Fields(list) {
			imp, test := strings.CutPrefix(imp, "test:")
			if to, ok := strings.CutPrefix(imp, module+"/"); ok {
				if why := wrongWay(from, to, test); why != "" {
					t.Errorf("%s imports %s: %s", from, to, why)
				}
				continue
			}
			for library, allowed := range homes {
				if (imp == library || strings.HasPrefix(imp, library+"/")) && !below(from, allowed) {
					t.Errorf("%s imports %s, whose home is %v", from, imp, allowed)
				}
			}
		}
	}
}

// layers are the packages of the engine and of the command from the lowest: a package
// imports only packages of lower layers, and earlier ones of its own layer. Components may
// use only the lowest componentLayers.
var layers = [][]string{
	{
		"engine/codec", "engine/display", "engine/markdown", "engine/atomicfile", "engine/fault", "engine/redact",
		"engine/refset", "engine/sqlite", "engine/editor/turn",
	},
	{
		"engine/config", "engine/config/schema", "engine/dotenv", "engine/expression", "engine/expression/condition",
		"engine/access", "engine/schedule", "engine/broker/policy", "engine/editor/text", "engine/editor/quickfix",
	},
	{
		"engine/broker/requestlog", "engine/component", "engine/connection/auth", "engine/connection",
		"engine/broker/tunnel", "engine/broker/via", "engine/secret/exec",
		"engine/secret/vault", "engine/secret/aws", "engine/secret/store", "engine/secret", "engine/records",
	},
	{"engine/stage", "engine/state", "engine/audit", "engine/baseline", "engine/state/statetest",
		"engine/changes", "engine/guard", "engine/read"},
	{"engine/run", "engine/operate"},
	{
		"engine/notify", "engine/pipeline", "engine/lint", "engine/explain", "engine/suite", "engine/check", "engine/output",
		"engine/diff", "engine/report", "engine/summary", "engine/page", "engine/trace",
	},
	{"engine/job"},
	{
		"engine/verify", "engine/serve/preview", "engine/editor/analysis", "engine/editor/lsp", "engine/editor/mcp",
	},
	{
		"engine/serve/history", "engine/serve", "engine/serve/servetest", "engine/serve/signin/openid", "engine/serve/signin",
		"engine/serve/local", "engine/serve/metrics", "engine/serve/ask", "engine/serve/api", "engine/serve/pages",
		"engine/serve/web", "engine/serve/client", "engine/editor/play",
		"engine/broker/brokerfile", "engine/broker/hub", "engine/broker/agent",
		"engine/fleet/payload", "engine/fleet/folder", "engine/fleet/workflows", "engine/fleet/activities",
		"engine/fleet/schedules", "engine/fleet/postgres", "engine/fleet/postgres/postgrestest", "engine/fleet",
	},
	{
		"cmd/internal/components", "cmd/internal/gcpace", "cmd/internal/connector", "cmd/internal/golden",
		"cmd/internal/version", "cmd/internal/licences",
	},
	{"cmd/pipe/cli/print", "cmd/pipe/cli", "cmd/pipe", "cmd/pipe-worker/cli", "cmd/pipe-worker"},
}

// componentLayers are how many of the layers, from the lowest, components know.
const componentLayers = 3

// height is the layer of a package and its place there; found is false for one that
// is in no layer.
func height(pkg string) (layer, place int, found bool) {
	for i, all := range layers {
		if j := slices.Index(all, pkg); j >= 0 {
			return i, j, true
		}
	}
	return 0, 0, false
}

// TestLayers: no package imports one of a higher layer, and every package of the
// engine and of the command is in one.
func TestLayers(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}:{{range .Imports}} {{.}}{{end}}`, module+"/...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	seen := 0
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		pkg, list, _ := strings.Cut(line, ":")
		from := strings.TrimPrefix(pkg, module+"/")
		layer, place, found := height(from)
		switch {
		case found:
			seen++
		case inNoLayer(from):
			t.Errorf("%s is in no layer", from)
			continue
		case componentOf(from) != "":
			layer, place = componentLayers, -1
		default:
			continue
		}
		for _, imp := range strings.Fields(list) {
			to := strings.TrimPrefix(imp, module+"/")
			if l, p, known := height(to); known && (l > layer || l == layer && p >= place) {
				t.Errorf("%s imports %s, which is of a higher layer", from, to)
			}
		}
	}
	n := 0
	for _, all := range layers {
		n += len(all)
	}
	if seen != n {
		t.Errorf("%d of the %d packages of the layers are there", seen, n)
	}
}

// inNoLayer reports whether a package that layers does not have should be there: all of
// the engine and the command but test support and tests.
func inNoLayer(pkg string) bool {
	switch {
	case strings.HasPrefix(pkg, "engine/"):
		return !strings.HasSuffix(pkg, "test") && !strings.Contains(pkg, "/internal/")
	case strings.HasPrefix(pkg, "cmd/"):
		return pkg != "cmd/pipe/e2e" && pkg != "cmd/pipe-worker/e2e"
	}
	return false
}

// gleanOrder are the packages of the Glean sink. Each imports only those before
// it; sinks/glean itself comes last.
var gleanOrder = []string{
	"sinks/glean/internal/listing", "sinks/glean/api", "sinks/glean/sandbox", "sinks/glean/settings", "sinks/glean/encode",
	"sinks/glean/upload", "sinks/glean/datasource", "sinks/glean/operate", "sinks/glean",
}

func below(pkg string, folders []string) bool {
	for _, f := range folders {
		if pkg == f || strings.HasPrefix(pkg, f+"/") {
			return true
		}
	}
	return false
}

// componentOf returns the component of a package, "" for the engine and the command.
func componentOf(pkg string) string {
	parts := strings.Split(pkg, "/")
	switch parts[0] {
	case "sources", "sinks", "transforms", "plugins":
		return strings.Join(parts[:min(2, len(parts))], "/")
	}
	return ""
}

func wrongWay(from, to string, test bool) string {
	if strings.HasPrefix(to, "cmd/") && !strings.HasPrefix(from, "cmd/") {
		return "nothing imports the command"
	}
	runsExamples := test && below(from, []string{
		"engine/job", "engine/trace", "engine/serve", "engine/verify", "engine/editor", "engine/fleet",
	})
	if strings.HasPrefix(from, "engine") && !strings.HasPrefix(to, "engine") && !runsExamples {
		return "the engine knows no component"
	}
	if strings.HasPrefix(from, "plugins/") && !below(from, []string{"plugins/host"}) &&
		!strings.HasPrefix(to, "plugins/") {
		return "a plugin is a program of its author's, without the engine"
	}
	// The protocol is for both of its ends, the SDK for authors of plugins, such as the
	// host's tests.
	if below(from, []string{"plugins"}) && to == "plugins/proto" ||
		to == "plugins/sdk" && test && below(from, []string{"plugins/host", "plugins/examples"}) {
		return ""
	}
	if i, j := slices.Index(gleanOrder, from), slices.Index(gleanOrder, to); i >= 0 && j > i && !test {
		return "the packages of sinks/glean import each other one way"
	}
	if a, b := componentOf(from), componentOf(to); a != "" && b != "" && a != b {
		return "components do not know each other"
	}
	return ""
}

// TestProgramHasNoTestSupport: fault injection and generated catalogs are for tests
// and are not part of the program.
func TestProgramHasNoTestSupport(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", module+"/cmd/pipe").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for _, pkg := range strings.Fields(string(out)) {
		switch strings.TrimPrefix(pkg, module+"/") {
		case "sinks/glean/faults", "sinks/glean/gleantest", "sources/backstage/faults", "sources/backstage/generate":
			t.Errorf("the program contains %s", pkg)
		}
	}
}

// TestProgramHasNoFleet: who runs pipe without a fleet has no part of Temporal and PostgreSQL in the
// program.
func TestProgramHasNoFleet(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", module+"/cmd/pipe").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for _, pkg := range strings.Fields(string(out)) {
		if below(pkg, []string{"go.temporal.io", "github.com/jackc/pgx", "github.com/nexus-rpc", module + "/engine/fleet",
			module + "/cmd/pipe-worker"}) {
			t.Errorf("the program contains %s", pkg)
		}
	}
}
