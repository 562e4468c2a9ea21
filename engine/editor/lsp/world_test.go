package lsp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/editor/analysis"
	"github.com/pipe-engine/pipe/engine/editor/text"
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

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds the wait for a message.
const patience = 20 * time.Second

func host() analysis.Host {
	return analysis.Host{Version: "1.2.3", Registry: component.Registry{
		Sources:     []component.SourceSpec[any]{backstage.Spec().Any(), filesource.Spec().Any(), push.Spec().Any()},
		Models:      []component.ModelSpec[any]{backstage.ModelSpec().Any(), filesource.ModelSpec().Any()},
		Transforms:  []component.TransformSpec[any]{filter.Spec().Any(), set.Spec().Any(), pluginhost.Spec().Any()},
		Mapper:      mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(),
		Sinks:       []component.SinkSpec[any]{glean.Spec().Any(), filesink.Spec().Any()},
	}, Source: func(given []component.Recorded, m component.Model) (component.Source, error) {
		return filesource.New(given, m)
	}}
}

// client is an editor that is connected to a server over a pipe.
type client struct {
	t        testing.TB
	folder   string
	in       io.WriteCloser
	messages chan answer
	ended    chan error
	id       int
	version  int
	waiting  []answer // read, and not yet asked for
}

// answer is a message of the server.
type answer struct {
	ID     raw            `json:"id"`
	Method string         `json:"method"`
	Params raw            `json:"params"`
	Result raw            `json:"result"`
	Error  *responseError `json:"error"`
}

// connect starts a server and connects a client that has not said anything yet.
func connect(t testing.TB) *client {
	t.Helper()
	toServer, in := io.Pipe()
	out, fromServer := io.Pipe()
	c := &client{t: t, folder: t.TempDir(), in: in, messages: make(chan answer, 1000), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	go func() {
		c.ended <- Serve(ctx, host(), toServer, fromServer)
		_ = fromServer.Close()
		_ = toServer.Close()
	}()
	go func() {
		defer close(c.messages)
		r := bufio.NewReader(out)
		for {
			header, err := r.ReadString('\n')
			if err != nil {
				return
			}
			n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(header, "Content-Length: ")))
			if err != nil {
				t.Errorf("header %q", header)
				return
			}
			body := make([]byte, n+2)
			if _, err := io.ReadFull(r, body); err != nil {
				return
			}
			var a answer
			if err := codec.Unmarshal(body, &a); err != nil {
				t.Errorf("%v: %s", err, body)
				return
			}
			c.messages <- a
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = in.Close()
		for range c.messages { // the server may wait for its reader
		}
	})
	return c
}

// start is connect with initialize.
func start(t testing.TB) *client {
	t.Helper()
	c := connect(t)
	c.want("initialize", map[string]any{"rootUri": uriOf(c.folder)}, `"positionEncoding":"utf-16"`)
	c.notify("initialized", map[string]any{})
	return c
}

// raw writes bytes.
func (c *client) raw(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, s); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		c.t.Fatal(err)
	}
}

func (c *client) write(m map[string]any) {
	c.t.Helper()
	m["jsonrpc"] = "2.0"
	b, err := codec.Marshal(m)
	if err != nil {
		c.t.Fatal(err)
	}
	c.raw(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(b), b))
}

func (c *client) notify(method string, params any) {
	c.t.Helper()
	c.write(map[string]any{"method": method, "params": params})
}

// send sends a request and returns its id.
func (c *client) send(method string, params any) string {
	c.t.Helper()
	c.id++
	c.write(map[string]any{"id": c.id, "method": method, "params": params})
	return strconv.Itoa(c.id)
}

// next returns the first message that is asked for, and keeps the others for later.
func (c *client) next(is func(answer) bool) answer {
	c.t.Helper()
	for i, a := range c.waiting {
		if is(a) {
			c.waiting = append(c.waiting[:i:i], c.waiting[i+1:]...)
			return a
		}
	}
	timeout := time.After(patience)
	for {
		select {
		case a, ok := <-c.messages:
			if !ok {
				c.t.Fatal("the server ended")
			}
			if is(a) {
				return a
			}
			c.waiting = append(c.waiting, a)
		case <-timeout:
			c.t.Fatal("no message")
		}
	}
}

// answerTo waits for the answer to a request.
func (c *client) answerTo(id string) answer {
	c.t.Helper()
	return c.next(func(a answer) bool { return a.Method == "" && string(a.ID) == id })
}

func (c *client) call(method string, params any) answer {
	c.t.Helper()
	return c.answerTo(c.send(method, params))
}

// want sends a request whose result must have the texts.
func (c *client) want(method string, params any, texts ...string) string {
	c.t.Helper()
	a := c.call(method, params)
	if a.Error != nil {
		c.t.Errorf("%s: %v", method, a.Error)
	}
	for _, one := range texts {
		if !strings.Contains(string(a.Result), one) {
			c.t.Errorf("%s: no %s in %s", method, one, a.Result)
		}
	}
	return string(a.Result)
}

// refused sends a request that must be refused with a code.
func (c *client) refused(code int, method string, params any) {
	c.t.Helper()
	if a := c.call(method, params); a.Error == nil || a.Error.Code != code {
		c.t.Errorf("%s: %v, want the error %d: %s", method, a.Error, code, a.Result)
	}
}

// open opens a file and returns its diagnostics.
func (c *client) open(path, content string) []diagnostic {
	c.t.Helper()
	c.version++
	c.notify("textDocument/didOpen", didOpenParams{textDocument{uriOf(path), c.version, content}})
	return c.diagnostics(path)
}

// change changes a file, without waiting for its diagnostics.
func (c *client) change(path string, changes ...contentChange) {
	c.t.Helper()
	c.version++
	c.notify("textDocument/didChange", didChangeParams{textDocument{URI: uriOf(path), Version: c.version}, changes})
}

// diagnostics waits for those of the last version of a file.
func (c *client) diagnostics(path string) (out []diagnostic) {
	c.t.Helper()
	c.next(func(a answer) bool {
		var p diagnosticsParams
		if a.Method != "textDocument/publishDiagnostics" || codec.Unmarshal(a.Params, &p) != nil {
			return false
		}
		out = p.Diagnostics
		return p.URI == uriOf(path) && p.Version == c.version
	})
	return out
}

// end waits for the end of the server.
func (c *client) end() error {
	c.t.Helper()
	select {
	case err := <-c.ended:
		return err
	case <-time.After(patience):
		c.t.Fatal("the server has not ended")
		return nil
	}
}

func (c *client) path(name string) string { return filepath.Join(c.folder, name) }

// placeAt returns the parameters of a request about the place before a text.
func placeAt(t testing.TB, path, content, before string) placeParams {
	t.Helper()
	i := strings.Index(content, before)
	if i < 0 {
		t.Fatalf("there is no %q", before)
	}
	return placeParams{TextDocument: textDocument{URI: uriOf(path)}, Position: text.New(content).Position(i)}
}

func small(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("../../../cmd/pipe/cli/testdata/good/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// applied returns a text after the edits of an answer.
func applied(content string, edits []textEdit) string {
	d := text.New(content)
	var all []text.Edit
	for _, e := range edits {
		all = append(all, text.Edit{From: d.Offset(e.Range.Start), To: d.Offset(e.Range.End), New: e.NewText})
	}
	return text.Apply(content, all)
}
