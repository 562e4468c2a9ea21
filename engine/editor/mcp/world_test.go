package mcp

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/state"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sources/backstage"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/sources/push"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
	"github.com/pipe-engine/pipe/transforms/set"
)

// client is an assistant that is connected to a server over a pipe.
type client struct {
	t       *testing.T
	folder  string
	session *mcp.ClientSession

	real string // the address of the source of startLive
}

// start starts a server in a folder with the shipped pipeline file and its tests, and connects a client.
func start(t *testing.T, o Options) *client {
	t.Helper()
	if o.Folder == "" {
		o.Folder = t.TempDir()
	}
	c := &client{t: t, folder: o.Folder}
	for _, name := range []string{"backstage.yaml", "backstage.test.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../../pipelines", name))
		if err != nil {
			t.Fatal(err)
		}
		c.write(name, string(text))
	}
	o.Registry = registry()
	o.Records = func(given []component.Recorded, m component.Model) (component.Source, error) {
		return filesource.New(given, m)
	}
	toServer, fromClient := io.Pipe()
	toClient, fromServer := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Serve(context.WithoutCancel(t.Context()), o, toServer, fromServer) }()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil).
		Connect(t.Context(), &mcp.IOTransport{Reader: toClient, Writer: fromClient}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.session = session
	t.Cleanup(func() {
		session.Close()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the server did not end with its client")
		}
	})
	return c
}

func (c *client) write(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// change replaces a text of the shipped file.
func (c *client) change(old, text string) {
	c.t.Helper()
	path := filepath.Join(c.folder, "backstage.yaml")
	now, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(now), old) {
		c.t.Fatalf("%v: the file has no %q", err, old)
	}
	c.write("backstage.yaml", strings.Replace(string(now), old, text, 1))
}

// call calls a tool and returns its answer.
func (c *client) call(tool string, arguments map[string]any) (answer string, failed bool) {
	c.t.Helper()
	r, err := c.session.CallTool(c.t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		c.t.Fatalf("%s: %v", tool, err)
	}
	for _, one := range r.Content {
		answer += one.(*mcp.TextContent).Text
	}
	if len(answer) > maxAnswer {
		c.t.Errorf("%s: the answer has %d bytes", tool, len(answer))
	}
	return answer, r.IsError
}

// want calls a tool that must succeed and have all texts in its answer.
func (c *client) want(tool string, arguments map[string]any, texts ...string) map[string]any {
	c.t.Helper()
	return c.expect(false, tool, arguments, texts...)
}

// refused calls a tool that must fail with all texts in its answer.
func (c *client) refused(tool string, arguments map[string]any, texts ...string) map[string]any {
	c.t.Helper()
	return c.expect(true, tool, arguments, texts...)
}

func (c *client) expect(failed bool, tool string, arguments map[string]any, texts ...string) map[string]any {
	c.t.Helper()
	answer, isError := c.call(tool, arguments)
	if isError != failed {
		c.t.Errorf("%s %v: failed is %v\n%s", tool, arguments, isError, answer)
	}
	for _, text := range texts {
		if !strings.Contains(answer, text) {
			c.t.Errorf("%s %v: no %s in\n%s", tool, arguments, text, answer)
		}
	}
	out, err := codec.Decode([]byte(answer))
	if err != nil && !failed {
		c.t.Errorf("%s: %v\n%s", tool, err, answer)
	}
	data, _ := out["data"].(map[string]any)
	return data
}

// lacks calls a tool whose answer must not have a text.
func (c *client) lacks(tool string, arguments map[string]any, texts ...string) {
	c.t.Helper()
	answer, _ := c.call(tool, arguments)
	for _, text := range texts {
		if strings.Contains(answer, text) {
			c.t.Errorf("%s %v: the answer has %s\n%s", tool, arguments, text, answer)
		}
	}
}

func registry() component.Registry {
	return component.Registry{
		Sources:     []component.SourceSpec[any]{backstage.Spec().Any(), filesource.Spec().Any(), push.Spec().Any()},
		Models:      []component.ModelSpec[any]{backstage.ModelSpec().Any(), filesource.ModelSpec().Any()},
		Transforms:  []component.TransformSpec[any]{filter.Spec().Any(), set.Spec().Any(), pluginhost.Spec().Any()},
		Mapper:      mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(),
		Sinks:       []component.SinkSpec[any]{glean.Spec().Any(), filesink.Spec().Any()},
	}
}

// keep writes what a run would send now to a folder, as pipe run --dry-run --sandbox --output does.
func (c *client) keep(folder, catalog string) {
	c.t.Helper()
	o := job.Options{Path: filepath.Join(c.folder, shipped), Registry: registry(), Sandbox: true, State: state.None{},
		Log: slog.New(slog.DiscardHandler), Lookup: func(string) (string, bool) { return "", false }}
	if catalog != "" {
		o.Catalog = filepath.Join(c.folder, catalog)
	}
	j, err := job.Open(c.t.Context(), o)
	if err != nil {
		c.t.Fatal(err)
	}
	defer j.Close()
	options := job.RunOptions{Until: run.Reviewed, Output: filepath.Join(c.folder, folder)}
	if _, err := j.Run(c.t.Context(), options); err != nil {
		c.t.Fatal(err)
	}
}

type args = map[string]any
