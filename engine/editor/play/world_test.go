package play_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/editor/analysis"
	"github.com/pipe-engine/pipe/engine/editor/play"
	"github.com/pipe-engine/pipe/engine/serve/local"
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

func host() analysis.Host {
	return analysis.Host{Registry: component.Registry{
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

// world is a folder with the shipped pipeline file and a playground of it.
type world struct {
	t      testing.TB
	folder string
	path   string // of the pipeline file
	text   string // of it
	server *local.Server
	client *http.Client
	token  string
	hash   string
}

// start serves the playground of the shipped file, changed by change unless it is nil.
func start(t testing.TB, change func(text string) string, o play.Options) *world {
	t.Helper()
	b, err := os.ReadFile("../../../pipelines/backstage.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, folder: t.TempDir(), text: string(b)}
	w.path = filepath.Join(w.folder, "backstage.yaml")
	if change != nil {
		w.text = change(w.text)
	}
	w.write("backstage.yaml", w.text)
	w.server, err = local.Listen(t.Context(), local.Options{Listen: "127.0.0.1:0", Page: "play", Who: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if o.Session = w.server.Guard.Session; o.Host.Source == nil {
		o.Host = host()
	}
	if o.File == "" {
		o.File = w.path
	}
	page, err := play.New(o)
	if err != nil {
		w.server.Close()
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := w.server.Serve(ctx, page, func() error { close(ready); return nil }); err != nil {
			t.Error(err)
		}
	}()
	jar, _ := cookiejar.New(nil)
	w.client = &http.Client{Jar: jar, Transport: &http.Transport{}}
	t.Cleanup(func() {
		cancel()
		<-ended
		w.client.CloseIdleConnections()
	})
	<-ready
	return w
}

// startSignedIn is start with a browser that has opened the link and the page.
func startSignedIn(t testing.TB, change func(text string) string) *world {
	t.Helper()
	w := start(t, change, play.Options{})
	w.signIn()
	return w
}

var attributes = regexp.MustCompile(`data-token="([^"]*)" data-hash="([^"]*)"`)

// signIn opens a link and the page, and returns the page.
func (w *world) signIn() string {
	w.t.Helper()
	w.get(w.server.Link())
	_, body := w.get(w.origin() + "/")
	found := attributes.FindStringSubmatch(body)
	if found == nil {
		w.t.Fatalf("the page:\n%s", body)
	}
	w.token, w.hash = found[1], found[2]
	return body
}

func (w *world) origin() string { return "http://" + w.server.Address() }

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.folder, name), []byte(text), 0o640); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read() string {
	w.t.Helper()
	b, err := os.ReadFile(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

func (w *world) do(r *http.Request) (int, string) {
	w.t.Helper()
	res, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func (w *world) get(address string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(r)
}

// request returns a request of the page with pairs of a field and its value.
func (w *world) request(path string, fields ...string) *http.Request {
	w.t.Helper()
	values := url.Values{"token": {w.token}}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, w.origin()+path, strings.NewReader(values.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", w.origin())
	return r
}

// post sends a request of the page.
func (w *world) post(path string, fields ...string) (int, string) {
	w.t.Helper()
	return w.do(w.request(path, fields...))
}

// answer is a part of the answers that tests read.
type answer struct {
	Problems []struct {
		Place string `json:"place"`
		Code  string `json:"code"`
	} `json:"problems"`
	HTML   string   `json:"html"`
	Why    string   `json:"why"`
	Ref    string   `json:"ref"`
	Refs   []option `json:"refs"`
	People []option `json:"people"`
	File   string   `json:"file"`
	Fixed  bool     `json:"fixed"`
}

type option struct {
	Value string `json:"value"`
	Text  string `json:"text"`
}

// evaluate returns the answer to a text.
func (w *world) evaluate(text string, fields ...string) answer {
	w.t.Helper()
	code, body := w.post("/evaluate", append([]string{"text", text}, fields...)...)
	var a answer
	if code != http.StatusOK {
		w.t.Fatalf("%d: %s", code, body)
	}
	w.decode(body, &a)
	return a
}

func (w *world) decode(body string, v any) {
	w.t.Helper()
	if err := codec.Unmarshal([]byte(body), v); err != nil {
		w.t.Fatalf("%v: %s", err, body)
	}
}

// replaced returns a text with one part replaced, which must be there.
func replaced(t testing.TB, text, old, new string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("there is no %q", old)
	}
	return strings.Replace(text, old, new, 1)
}
