package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// secretive is a world behind two fronts whose every credential is a canary,
// and the folders that the program may leave something in.
type secretive struct {
	*world
	source, sink *front
	secrets      []string
	plain, filed string // the pipeline, with tokens from variables and from a file
	dirs         []string
	runs         int
	person       bool // a person watches every call
}

func newSecretive(t *testing.T) *secretive {
	t.Helper()
	s := &secretive{secrets: []string{canary("source"), canary("sink"), canary("source-proxy"), canary("sink-proxy")}}
	s.world = newWorld(t, backstagesandbox.Options{Token: s.secrets[0]}, gleansandbox.Options{Token: s.secrets[1]})
	s.source, s.sink = newFront(t, s.backstage.URL()), newFront(t, s.glean.URL())
	s.env = map[string]string{
		"BACKSTAGE_BASE_URL": s.source.URL, "BACKSTAGE_UI_URL": s.backstage.URL(), "BACKSTAGE_API_TOKEN": s.secrets[0],
		"GLEAN_SERVER_URL": s.sink.URL, "GLEAN_INDEXING_API_KEY": s.secrets[1], "CI": "true",
		"SOURCE_PROXY": s.secrets[2], "SINK_PROXY": s.secrets[3],
	}
	const sourceToken, sinkToken = "token: ${BACKSTAGE_API_TOKEN:-}\n", "token: ${GLEAN_INDEXING_API_KEY}\n"
	headers := func(variable string) string { return "    headers:\n      X-Proxy-Secret: ${" + variable + "}\n" }
	s.plain = edited(t, sourceToken, sourceToken+headers("SOURCE_PROXY"), sinkToken, sinkToken+headers("SINK_PROXY"))
	s.filed = edited(t, sourceToken, "token: ${file:"+write(t, "a", s.secrets[0]+"\n")+"}\n"+headers("SOURCE_PROXY"),
		sinkToken, "token: ${file:"+write(t, "b", s.secrets[1])+"}\n"+headers("SINK_PROXY"))
	return s
}

// enter makes the program use separate folders: temporary, working, output and state.
func (s *secretive) enter(t *testing.T) {
	t.Helper()
	s.dirs = []string{t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()}
	s.env["XDG_STATE_HOME"] = s.dirs[3]
	t.Setenv("TMPDIR", s.dirs[0])
	t.Chdir(s.dirs[1])
}

// call runs the program and searches everything that it leaves for secrets.
func (s *secretive) call(t *testing.T, args ...string) call {
	t.Helper()
	start := pipe
	if s.person {
		start = attended
	}
	c := start(t, s.env, append(args, "--set", "@source.retries.attempts=1", "--set", "@sink.retries.attempts=1")...)
	s.search(t, c, args)
	return c
}

// search searches everything that a call leaves for secrets.
func (s *secretive) search(t *testing.T, c call, args []string) {
	t.Helper()
	for _, l := range append(leaks(c.both(), s.secrets), leakedFiles(t, s.secrets, s.dirs...)...) {
		t.Errorf("%s: %s", strings.Join(args, " "), l)
	}
	if err := os.RemoveAll(s.dirs[2]); err != nil { // searched once
		t.Fatal(err)
	}
	if err := os.Mkdir(s.dirs[2], 0o700); err != nil {
		t.Fatal(err)
	}
}

// wordy are the flags of a run with as much output as possible.
func (s *secretive) wordy(level string) []string {
	s.runs++
	out := func(name string) string { return filepath.Join(s.dirs[2], fmt.Sprint(s.runs, name)) }
	return []string{"--output", out(""), "--report", out("report.ndjson"), "--metrics-file", out("metrics.prom"),
		"--html", out("run.html"),
		"--log-level", level}
}

// run is a run of the pipeline.
func (s *secretive) run(t *testing.T, asJSON bool, level string) call {
	t.Helper()
	args := append([]string{"run", "--full", "--set", "@sink.batch.documents=9", "--set", "@sink.requests_per_second=0"},
		s.wordy(level)...)
	if asJSON {
		return s.call(t, append(args, "--json", "--log-format", "json", "--progress", "json", s.filed)...)
	}
	return s.call(t, append(args, "--progress", "plain", s.plain)...)
}

// TestSecrets (invariant 6): no secret is in anything that the program prints, logs or
// writes, for any behaviour of the other end.
func TestSecrets(t *testing.T) {
	s := newSecretive(t)
	s.enter(t)
	for name, echo := range echoes {
		for end, f := range map[string]*front{"Backstage": s.source, "Glean": s.sink} {
			t.Run(name+" from "+end, func(t *testing.T) {
				f.spoil.Store(&echo)
				defer f.spoil.Store(nil)
				for i, level := range []string{"debug", "debug", "info", "warning", "error"} {
					c := s.run(t, i%2 == 1, level)
					want := int(job.Failed)
					switch {
					case name == "nothing", name == "one refused document" && end == "Backstage":
						want = int(job.Done)
					case name == "one refused document":
						want = int(job.Rejected)
					}
					if c.code != want {
						t.Errorf("exit %d, want %d\n%s", c.code, want, c.both())
					}
				}
				s.call(t, "doctor", s.plain, "--log-level", "debug")
				s.call(t, "datasource", "apply", "--yes", s.plain, "--log-level", "debug")
				s.call(t, "show", s.filed, "users", "--json", "--log-level", "debug")
			})
		}
	}
}

// shouting is a transform that panics with secrets.
type shouting struct{ secrets []string }

func (shouting) Name() string { return "shouting" }

func (x shouting) Apply(context.Context, *component.Worker, []*component.Record) ([]component.Outcome, error) {
	text := strings.Join(x.secrets, " ")
	panic(fmt.Errorf("%s %q %s %s", text, text, url.QueryEscape(text), base64.StdEncoding.EncodeToString([]byte(text))))
}

// TestSecretsInPanics: a component that panics with secrets reveals none, though its message
// and stack are printed and kept.
func TestSecretsInPanics(t *testing.T) {
	s := newSecretive(t)
	b, err := os.ReadFile(s.plain)
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "pipeline.yaml",
		strings.Replace(string(b), "transforms:  ", "transforms:\n  - name: shouting\n    shouting: x\n#", 1))
	s.enter(t)
	for _, flags := range [][]string{{"--progress", "plain"}, {"--json", "--log-format", "json", "--progress", "json"},
		{"--dry-run"}} {
		var out, errs strings.Builder
		args := append(append([]string{"pipe", "run", path}, flags...), s.wordy("debug")...)
		r := components.Registry()
		r.Transforms = append(r.Transforms,
			component.TransformSpec[any]{Key: "shouting", Config: func() any { return new(string) },
				New: func(any, component.TransformSettings) component.Transform { return shouting{s.secrets} }})
		code := cli.Run(t.Context(), cli.Host{
			Registry: r, Args: args, Env: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Width: oneLine,
		})
		said := call{code, out.String(), errs.String()}
		if code != int(job.Failed) || !strings.Contains(said.both(), "panic") ||
			!strings.Contains(said.both(), "[redacted]") {
			t.Errorf("exit %d\n%s", code, said.both())
		}
		s.search(t, said, args)
	}
}

// misusedSecrets are pipelines with a secret in the wrong place, or with an invalid one.
func misusedSecrets(t *testing.T, secrets []string) map[string]string {
	t.Helper()
	return map[string]string{
		"a token for a number": edited(t, "${BACKSTAGE_PAGE_SIZE:-500}", "${BACKSTAGE_API_TOKEN}"),
		"a token for a switch": edited(t, "${VERIFY_SSL:-true}", "${BACKSTAGE_API_TOKEN}"),
		"a token in the address": edited(t, "url: ${BACKSTAGE_BASE_URL}\n",
			"url: http://u:${BACKSTAGE_API_TOKEN}@[::1\n"),
		"a token for the default":    edited(t, "${DEFAULT_PERMISSIONS:-datasource-users}", "${GLEAN_INDEXING_API_KEY}"),
		"a token for a duration":     edited(t, "    batch:\n", "    timeout: ${GLEAN_INDEXING_API_KEY}\n    batch:\n"),
		"a token for the datasource": edited(t, "${GLEAN_DATASOURCE_ID:-backstage}", "${GLEAN_INDEXING_API_KEY}"),
		"no such file":               edited(t, "${GLEAN_INDEXING_API_KEY}", "${file:/nowhere/${GLEAN_INDEXING_API_KEY}}"),
		"a literal misspelt":         edited(t, "token: ${GLEAN_INDEXING_API_KEY}", "tokn: '"+secrets[1]+"'"),
		"a literal that is no YAML":  edited(t, "token: ${GLEAN_INDEXING_API_KEY}", "token: '"+secrets[1]+"' x"),
		"a literal that is a list":   edited(t, "token: ${GLEAN_INDEXING_API_KEY}", "token: ['"+secrets[1]+"']"),
		"a literal header": edited(t, "    batch:\n",
			"    headers: {X-Y: '"+secrets[3]+"', User-Agent: '"+secrets[2]+"'}\n    batch:\n"),
		"two lines in a token": edited(t, "${GLEAN_INDEXING_API_KEY}",
			"${file:"+write(t, "c", secrets[1]+"\nmore\n")+"}"),
	}
}

// TestSecretsWithoutConnection: commands that only read the file show no secret, also if it
// is in the wrong place.
func TestSecretsWithoutConnection(t *testing.T) {
	s := newSecretive(t)
	misused := misusedSecrets(t, s.secrets)
	s.enter(t)
	for _, path := range []string{s.plain, s.filed} {
		for _, command := range []string{"check", "config", "check --json", "config --json", "check --strict-env"} {
			if c := s.call(t, append(strings.Fields(command), path, "--log-level", "debug")...); c.code != 0 {
				t.Errorf("%s: exit %d\n%s", command, c.code, c.both())
			}
		}
	}
	for name, path := range misused {
		for _, command := range []string{"check", "check --json", "run --json", "run", "config", "doctor"} {
			c := s.call(t, append(strings.Fields(command), path, "--log-level", "debug")...)
			if c.code == 0 && strings.HasPrefix(command, "run") {
				t.Errorf("%s: %s: exit 0", name, command)
			}
		}
	}
	if err := os.WriteFile(".env", []byte("X = '"+s.secrets[0]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	delete(s.env, "CI")
	c := s.pipe(t, "check", s.plain)
	if found := leaks(c.both(), s.secrets); c.code != int(job.Wrong) || len(found) > 0 {
		t.Errorf("exit %d, %s", c.code, found)
	}
}

// TestLibraryLogs: messages of a library through the standard logger, such as an unsolicited
// answer, are redacted and escaped.
func TestLibraryLogs(t *testing.T) {
	t.Parallel()
	token := canary("sink")
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{Token: token})
	var logs io.Writer
	var errs strings.Builder
	cli.Run(t.Context(), cli.Host{
		Registry: components.Registry(), Args: []string{"pipe", "doctor", shipped}, Stdin: strings.NewReader(""),
		Stdout: io.Discard, Stderr: &errs, Width: oneLine,
		Env: func(name string) (string, bool) {
			v, ok := w.env[name]
			if name == "GLEAN_INDEXING_API_KEY" {
				v, ok = token, true
			}
			return v, ok
		},
		Logs: func(to io.Writer) { logs = to },
	})
	if logs == nil {
		t.Fatal("the standard logger was left alone")
	}
	log.New(logs, "", 0).Printf("Unsolicited response: \x1b[31m%s", token)
	logs.(interface{ Flush() }).Flush()
	if got := errs.String(); strings.Contains(got, token) || !strings.HasSuffix(got, `Unsolicited response: \u001b[31m[redacted]`+"\n") {
		t.Errorf("stderr ends with %q", got[max(0, len(got)-200):])
	}
}

// TestUnsolicitedAnswer: net/http logs an answer without a request, and main keeps the token
// in it off the terminal.
func TestUnsolicitedAnswer(t *testing.T) {
	t.Parallel()
	token := canary("source")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { conn.Close() })
		fmt.Fprintf(conn,
			"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK %s", token)
	}))
	t.Cleanup(server.Close)
	p := startProcess(t, map[string]string{
		"CI": "true", "BACKSTAGE_BASE_URL": server.URL, "BACKSTAGE_UI_URL": server.URL, "BACKSTAGE_API_TOKEN": token,
		"GLEAN_SERVER_URL": server.URL, "GLEAN_INDEXING_API_KEY": canary("sink"),
	}, "doctor", shipped)
	if code := p.exit(); code == int(job.Done) || len(leaks(p.text(), []string{token})) > 0 {
		t.Errorf("exit %d\n%s", code, p.text())
	}
}
