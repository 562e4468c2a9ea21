package hub

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
)

// logged is the log of a hub.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// closed reports whether a connection ends soon. Its deadline is no error of its own, but later.
func closed(t *testing.T, c net.Conn) bool {
	t.Helper()
	began := time.Now()
	c.SetDeadline(began.Add(20 * time.Second))
	_, err := c.Read(make([]byte, 1))
	return err != nil && time.Since(began) < 10*time.Second
}

const two = "  other: {token_sha256: %2, callers: [{name: day, token_sha256: %3}]}\n"

func twoAgents() string {
	return acme("") + strings.NewReplacer("%2", tunnel.Hash("other"), "%3", tunnel.Hash("day")).Replace(two)
}

// TestWrongFileLosesNoRevocation: a file with a problem gives nothing new and takes away what it does
// not say as before.
func TestWrongFileLosesNoRevocation(t *testing.T) {
	w := start(t, twoAgents())
	w.issue(t, "acme", w.ca)
	s, err := w.agent(t, "acme")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := w.echo(t, "good")
	if err != nil {
		t.Fatal(err)
	}
	typo := "statsu: 127.0.0.1:0\n" + w.text
	w.write(t, "hub.yaml", typo+acme("")+"  third: {token_sha256: "+tunnel.Hash("third")+"}\n") // without other
	eventually(t, "the other agent is not revoked", func() bool {
		_, known := w.hub.now().file.Agents.Get("other")
		return !known && w.hub.now().wrong
	})
	if _, known := w.hub.now().file.Agents.Get("third"); known {
		t.Error("a file with a problem gives an agent")
	}
	if !w.log.has("statsu") || !w.log.has("level=ERROR") {
		t.Error("the problem is not in the log")
	}
	if _, err := w.echo(t, "good"); err != nil || s.IsClosed() {
		t.Errorf("what the file says as before does not go on: %v", err)
	}
	w.write(t, "hub.yaml", typo+strings.Replace(acme(""), tunnel.Hash("good"), tunnel.Hash("new"), 1))
	if !closed(t, kept) {
		t.Error("the stream of a revoked pipeline is open")
	}
	for _, token := range []string{"good", "new"} {
		if _, err := w.echo(t, token); codeOf(err) != tunnel.Unauthorized {
			t.Errorf("%s: %v", token, err)
		}
	}
	w.write(t, "hub.yaml", w.text+twoAgents())
	eventually(t, "a correct file is not used", func() bool { return !w.hub.now().wrong })
	if _, err := w.echo(t, "good"); err != nil {
		t.Error(err)
	}
}

// TestLastAgentCanBeRevoked: a file without agents is correct.
func TestLastAgentCanBeRevoked(t *testing.T) {
	w := start(t, acme(""))
	w.issue(t, "acme", w.ca)
	s, err := w.agent(t, "acme")
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "hub.yaml", w.text)
	eventually(t, "the session is open", s.IsClosed)
	if w.hub.now().wrong {
		t.Error("the file is wrong")
	}
}

// TestFileThatSaysNothing: all access ends after a while, not at once.
func TestFileThatSaysNothing(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"no YAML": func(w *world) { w.write(t, "hub.yaml", w.text+"\t}") },
		"empty":   func(w *world) { w.write(t, "hub.yaml", "") },
		"removed": func(w *world) { os.Remove(w.file) },
		"may be changed by others": func(w *world) {
			w.write(t, "hub.yaml", w.text)
			os.Chmod(w.file, 0o666)
		},
	} {
		w := start(t, acme(""), func(h *Hub) { h.grace = 2 * time.Second })
		w.issue(t, "acme", w.ca)
		s, err := w.agent(t, "acme")
		if err != nil {
			t.Fatal(err)
		}
		change(w)
		w.hub.Reload()
		eventually(t, name+": not noticed", func() bool { return w.hub.now().wrong })
		if _, err := w.echo(t, "good"); err != nil {
			t.Errorf("%s: access ended at once: %v", name, err)
		}
		eventually(t, name+": access did not end", s.IsClosed)
		if _, err := w.agent(t, "acme"); codeOf(err) != tunnel.Unauthorized {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReloadEndsAnAuthority: sessions by certificates of an authority that was removed are cut, and new
// ones refused.
func TestReloadEndsAnAuthority(t *testing.T) {
	w := start(t, acme(""))
	w.issue(t, "acme", w.ca)
	s, err := w.agent(t, "acme")
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(w.folder + "/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	ca, key := w.ca, w.caKey
	w.issue(t, "other", nil)
	pem, err := os.ReadFile(w.folder + "/other.pem")
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "ca.pem", string(pem))
	eventually(t, "the session of a removed authority is open", s.IsClosed)
	if _, err := w.agent(t, "acme"); err == nil {
		t.Error("a certificate of a removed authority is accepted")
	}
	w.ca, w.caKey = ca, key
	w.write(t, "ca.pem", string(before))
	eventually(t, "the authority is not accepted again", func() bool {
		_, err := w.agent(t, "acme")
		return err == nil
	})
}

// TestExpiredCertificateCutsTheSession: a session ends with its certificate.
func TestExpiredCertificateCutsTheSession(t *testing.T) {
	w := start(t, acme(""))
	w.issue(t, "acme", w.ca)
	s, err := w.agent(t, "acme")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.echo(t, "good"); err != nil {
		t.Fatal(err)
	}
	w.hub.cut(time.Now().Add(30 * time.Minute))
	if s.IsClosed() {
		t.Fatal("a session with a valid certificate was cut")
	}
	w.hub.cut(time.Now().Add(2 * time.Hour))
	eventually(t, "the session is open", s.IsClosed)
}

// TestHigherMinVersionCuts: a session of a version that is too old now is cut.
func TestHigherMinVersionCuts(t *testing.T) {
	w := start(t, acme(""))
	w.issue(t, "acme", w.ca)
	s, err := w.agent(t, "acme")
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "hub.yaml", "statsu: x\n"+strings.Replace(w.text, "v1.2.0", "v9.0.0", 1)+acme(""))
	eventually(t, "the session is open", s.IsClosed)
}

// TestNarrowerNetworksCut: a stream from an address that is not allowed any more is cut.
func TestNarrowerNetworksCut(t *testing.T) {
	w := start(t, acme(""))
	w.issue(t, "acme", w.ca)
	if _, err := w.agent(t, "acme"); err != nil {
		t.Fatal(err)
	}
	c, err := w.echo(t, "good")
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "hub.yaml", w.text+acme(", from: [10.0.0.0/8]"))
	if !closed(t, c) {
		t.Error("the stream is open")
	}
}

// TestEveryProblemOfTheFile: all problems are reported, each with its place.
func TestEveryProblemOfTheFile(t *testing.T) {
	w := start(t, acme(""))
	file := w.write(t, "bad.yaml", `version: 2
listen: 127.0.0.1:0
lsiten: x
min_version: "1"
tls: {cert_file: `+w.folder+`/none.pem, key_file: x}
agents:
  "a/b": {token_sha256: `+tunnel.Hash("x")+`}
  acme:
    certificate: a.example
    token_sha256: no
    callers:
      - {name: one, token_sha256: short, from: [10.0.0.0/99], tokens: x}
`)
	_, _, err := Check(file, nil)
	if err == nil {
		t.Fatal("the file is accepted")
	}
	for _, want := range []string{"bad.yaml:1:10: ", "bad.yaml:3:1: unknown-key: ", "bad.yaml:4:14: hub: ",
		"a name that cannot be a part", "exactly one of", "bad.yaml:12:35: hub: not a hash", "not a network",
		`unknown key "tokens"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	file = w.write(t, "worse.yaml", strings.ReplaceAll(w.text, w.folder+"/hub", w.folder+"/none")+acme(""))
	if _, _, err = Check(file, nil); err == nil || !strings.Contains(err.Error(), "worse.yaml:5:") ||
		!strings.Contains(err.Error(), "tls.cert_file") {
		t.Error(err)
	}
	pair := func(hash, other, name, second string) string {
		return fmt.Sprintf("  x: {token_sha256: %s, callers: [{name: %s, token_sha256: %s}, {name: %s, token_sha256: %s}]}\n",
			tunnel.Hash("x"), name, hash, second, other)
	}
	for name, text := range map[string]string{
		"the same name":  pair(tunnel.Hash("a"), tunnel.Hash("b"), "a", "a"),
		"the same token": pair(tunnel.Hash("a"), tunnel.Hash("a"), "a", "b"),
		"the same agent": acme("") + strings.Replace(acme(""), "  acme:", "  other:", 1),
	} {
		file = w.write(t, "bad.yaml", w.text+text)
		if _, _, err = Check(file, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
