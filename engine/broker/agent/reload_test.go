package agent

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
)

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

func (w *world) text(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(w.folder + "/agent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// answers returns the status and the code of an answer.
func (w *world) answers(t *testing.T, s *tunnel.Session, path string) (int, string) {
	t.Helper()
	resp, body := w.raw(t, s, w.get(path))
	if resp == nil {
		t.Fatal(body)
	}
	return resp.StatusCode, resp.Header.Get(tunnel.HeaderError)
}

// TestReload: the rules, pipelines and targets of a changed file apply without a restart, to the session
// that is there.
func TestReload(t *testing.T) {
	w := start(t, func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "text") })
	s := w.session(t)
	first := w.text(t)
	if status, _ := w.answers(t, s, "/items/a"); status != 200 {
		t.Fatal(status)
	}
	w.write(t, "agent.yaml", strings.Replace(first, "path: /items/*", "path: /others/*", 1))
	eventually(t, "a removed rule still applies", func() bool {
		_, code := w.answers(t, s, "/items/a")
		return code == tunnel.Denied
	})
	if status, _ := w.answers(t, s, "/others/a"); status != 200 {
		t.Errorf("a new rule does not apply: %d", status)
	}
	w.write(t, "agent.yaml", strings.Replace(first, tunnel.Hash(tunnel.ForAgent(w.token)), tunnel.Hash("x"), 1))
	eventually(t, "a removed pipeline is answered", func() bool {
		_, code := w.answers(t, s, "/items/a")
		return code == tunnel.Unauthorized
	})
	w.write(t, "agent.yaml", first)
	eventually(t, "the file does not apply again", func() bool {
		status, _ := w.answers(t, s, "/items/a")
		return status == 200
	})
	if s.IsClosed() {
		t.Error("the session was cut, whose settings are the same")
	}
	w.write(t, "agent.yaml", strings.Replace(first, "name: acme", "name: other", 1))
	select {
	case <-s.CloseChan():
	case <-time.After(10 * time.Second):
		t.Error("a session by another name goes on")
	}
}

// TestWrongFileLosesNoRevocation: a file with a problem allows nothing new, and nothing that it does not
// say as before.
func TestWrongFileLosesNoRevocation(t *testing.T) {
	w := start(t, func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "text") })
	s := w.session(t)
	first := w.text(t)
	typo := "concurrrent: 4\n" + first
	w.write(t, "agent.yaml", typo)
	eventually(t, "not read", func() bool { return w.agent.state().wrong })
	if status, _ := w.answers(t, s, "/items/a"); status != 200 {
		t.Errorf("what the file says as before does not go on: %d", status)
	}
	for name, text := range map[string]string{
		"a rule":     strings.Replace(typo, "      - {method: GET, path: /items/*, query: [filter]}\n", "", 1),
		"a pipeline": strings.Replace(typo, tunnel.Hash(tunnel.ForAgent(w.token)), tunnel.Hash("x"), 1),
		"a target":   strings.Replace(typo, "  portal:", "  other:", 1),
		"the hub":    strings.Replace(typo, "hub: {", "hub: {tls_x: 1, ", 1),
	} {
		w.write(t, "agent.yaml", first)
		eventually(t, name+": the correct file is not read", func() bool { return !w.agent.state().wrong })
		w.write(t, "agent.yaml", text)
		eventually(t, name+" is lost", func() bool {
			_, code := w.answers(t, s, "/items/a")
			return code == tunnel.WrongFile
		})
	}
}

// TestFileThatSaysNothing: all requests are refused after a while, not at once.
func TestFileThatSaysNothing(t *testing.T) {
	w := start(t, func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "text") },
		func(a *Agent) { a.grace = 2 * time.Second })
	s := w.session(t)
	if err := os.Remove(w.folder + "/agent.yaml"); err != nil {
		t.Fatal(err)
	}
	w.agent.Reload()
	eventually(t, "not read", func() bool { return w.agent.state().wrong })
	if status, _ := w.answers(t, s, "/items/a"); status != 200 {
		t.Errorf("requests are refused at once: %d", status)
	}
	eventually(t, "requests are still answered", func() bool {
		_, code := w.answers(t, s, "/items/a")
		return code == tunnel.WrongFile
	})
}

// TestRevokedRequestIsCut: an answer under way ends when the file does not allow it any more.
func TestRevokedRequestIsCut(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	w := start(t, func(rw http.ResponseWriter, r *http.Request) {
		io.WriteString(rw, "begin")
		_ = http.NewResponseController(rw).Flush()
		close(begun)
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	defer close(end)
	s := w.session(t)
	c := w.stream(t, s)
	defer c.Close()
	if _, err := io.WriteString(c, w.get("/items/a")); err != nil {
		t.Fatal(err)
	}
	<-begun
	w.write(t, "agent.yaml", strings.Replace(w.text(t), "path: /items/*", "path: /others/*", 1))
	c.SetDeadline(time.Now().Add(4 * time.Second)) // less than the timeout of the target
	if text, err := io.ReadAll(c); os.IsTimeout(err) {
		t.Errorf("the answer goes on: %q", text)
	}
}

// TestEveryProblemOfTheFile: all problems are reported, each with its place.
func TestEveryProblemOfTheFile(t *testing.T) {
	w := start(t, func(http.ResponseWriter, *http.Request) {})
	text := strings.NewReplacer("concurrent: 32", "concurrrent: 32", "path: /items/*", "pth: /items/*",
		"      - {method: POST", "      - preset: backstage-catlog\n      - {method: POST", "/agent.key", "/none.key",
		"${S}", "${secret:portal}").Replace(w.text(t))
	file := w.write(t, "bad.yaml", "secrets: {exec: {command: [cat], kex: 1}}\n"+text)
	_, err := load(file, w.agent.o)
	if err == nil {
		t.Fatal("the file is accepted")
	}
	for _, want := range []string{`unknown key "concurrrent"`, `unknown key "pth"`, "unknown preset", `unknown key "kex"`} {
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "bad.yaml:1:") {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	none := strings.NewReplacer("/agent.key", "/none.key", "/ca.pem", "/none.pem")
	file = w.write(t, "bad.yaml", none.Replace(w.text(t)))
	_, err = load(file, w.agent.o)
	for _, want := range []string{"bad.yaml:3:11: agent: ", "bad.yaml:4:1: agent: hub: tls.ca_file"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}

// TestSecretsOfProviders: the file has a secrets block, as a pipeline file.
func TestSecretsOfProviders(t *testing.T) {
	w := start(t, func(http.ResponseWriter, *http.Request) {})
	w.write(t, "token", "from-a-file\n")
	text := strings.NewReplacer("${S}", "${secret:portal}", `"${T}"`, "\"${file:token}\"").Replace(w.text(t))
	file := w.write(t, "secrets.yaml", "secrets: {exec: {command: [sh, -c, 'echo of-$0', '{name}']}}\n"+text)
	s, err := load(file, w.agent.o)
	if err != nil {
		t.Fatal(err)
	}
	portal, _ := s.file.Targets.Get("portal")
	if s.file.Hub.Token.Reveal() != "from-a-file" || portal.Token.Reveal() != "of-portal" {
		t.Errorf("%q %q", s.file.Hub.Token.Reveal(), portal.Token.Reveal())
	}
	if got := w.agent.o.Redactor.Clean("a of-portal b from-a-file"); strings.Contains(got, "of-portal") ||
		strings.Contains(got, "from-a-file") {
		t.Errorf("%q", got)
	}
	file = w.write(t, "secrets.yaml", text)
	if _, err := load(file, w.agent.o); err == nil || !strings.Contains(err.Error(), "secrets.yaml:9:12: ") {
		t.Errorf("%v", err)
	}
}
