package play_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/editor/play"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

const canary = "canary-51c9"

// TestRequests: only the page of a browser that is signed in gets answers: with its cookie, its host, its
// origin and its token, and of a bounded size.
func TestRequests(t *testing.T) {
	w := startSignedIn(t, nil)
	stranger := *w
	stranger.client = &http.Client{Transport: &http.Transport{}}
	defer stranger.client.CloseIdleConnections()
	code, body := stranger.get(w.origin() + "/")
	if code != http.StatusUnauthorized || strings.Contains(body, "version:") {
		t.Errorf("the page without a cookie: %d\n%s", code, body)
	}
	fields := []string{"text", w.text, "hash", w.hash, "line", "0", "character", "0"}
	for _, path := range []string{"/evaluate", "/fixes", "/complete", "/save"} {
		if code, body := w.post(path, fields...); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
		if code, _ := stranger.post(path, fields...); code != http.StatusUnauthorized {
			t.Errorf("%s without a cookie: %d", path, code)
		}
		for name, c := range map[string]struct {
			change func(r *http.Request)
			status int
		}{
			"another origin": {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden},
			"no origin":      {func(r *http.Request) { r.Header.Del("Origin") }, http.StatusForbidden},
			"another host":   {func(r *http.Request) { r.Host = "evil.example" }, http.StatusMisdirectedRequest},
			"another method": {func(r *http.Request) { r.Method = http.MethodPut }, http.StatusMethodNotAllowed},
			"a read":         {func(r *http.Request) { r.Method = http.MethodGet }, http.StatusMethodNotAllowed},
			"a text of JSON": {func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, http.StatusForbidden},
			"a token in the address": {func(r *http.Request) {
				*r = *w.request(path+"?token="+w.token, append([]string{"token", ""}, fields...)...)
			}, http.StatusForbidden},
		} {
			r := w.request(path, fields...)
			c.change(r)
			if code, body := w.do(r); code != c.status {
				t.Errorf("%s, %s: %d %s", path, name, code, body)
			}
		}
		for _, token := range []string{"", "x", w.hash} {
			if code, _ := w.post(path, append([]string{"token", token}, fields...)...); code != http.StatusForbidden {
				t.Errorf("%s with the token %q: %d", path, token, code)
			}
		}
		for _, size := range []int{256<<10 + 1, 1 << 20, 4 << 20} {
			code, body := w.post(path, append(fields[2:], "text", strings.Repeat("a", size))...)
			if code != http.StatusRequestEntityTooLarge {
				t.Errorf("%s with %d bytes: %d %s", path, size, code, body)
			}
		}
		if code, _ := w.post(path, append([]string{"more", strings.Repeat("a", 1<<20)}, fields...)...); code !=
			http.StatusRequestEntityTooLarge {
			t.Errorf("%s with another large field: %d", path, code)
		}
	}
	if w.read() != w.text {
		t.Error("the file has changed")
	}
}

// TestHeaders: the cookie is for this host and for requests of its pages alone, and a page runs and
// shows nothing but the files of this server.
func TestHeaders(t *testing.T) {
	w := start(t, nil, play.Options{})
	res, err := w.client.Get(w.server.Link())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	set := res.Header.Get("Set-Cookie")
	for _, want := range []string{"pipe-play-", "HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(set, want) || strings.Contains(set, "Domain") {
			t.Errorf("the cookie: %s", set)
		}
	}
	body := w.signIn()
	a := w.evaluate(w.text)
	for _, inline := range []string{" style=", " onclick=", " onload=", "<style", "<script>"} {
		if strings.Contains(body, inline) || strings.Contains(a.HTML, inline) {
			t.Errorf("%s is in the page", inline)
		}
	}
	for _, path := range []string{"/", "/play.js", "/play.css", "/play.svg"} {
		res, err := w.client.Get(w.origin() + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		policy := res.Header.Get("Content-Security-Policy")
		if res.StatusCode != http.StatusOK ||
			!strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self'; ") ||
			strings.Contains(policy, "unsafe") || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s, %s", path, res.Status, policy)
		}
	}
}

// TestSaveRefused: only the file itself is written, only as it was read, and not at all with ReadOnly.
func TestSaveRefused(t *testing.T) {
	w := startSignedIn(t, nil)
	outside := filepath.Join(t.TempDir(), "outside.yaml")
	if err := os.WriteFile(outside, []byte(w.text), 0o600); err != nil {
		t.Fatal(err)
	}
	is := func(path, want string) {
		t.Helper()
		if b, err := os.ReadFile(path); err != nil || string(b) != want {
			t.Errorf("%s: %v, %.60q", path, err, b)
		}
	}
	for _, hash := range []string{"", "x", strings.Repeat("0", 64)} {
		if code, body := w.post("/save", "text", "x", "hash", hash); code != http.StatusConflict ||
			!strings.Contains(body, "changed on disk") {
			t.Errorf("with the hash %q: %d %s", hash, code, body)
		}
	}
	is(w.path, w.text)
	for _, name := range []string{"file", "path", "name"} {
		if code, _ := w.post("/save", "text", w.text+"#", "hash", w.hash, name, outside); code != http.StatusOK {
			t.Errorf("with another %s: %d", name, code)
		}
		is(outside, w.text)
		w.write("backstage.yaml", w.text)
	}
	w.write("backstage.yaml", w.text+"# "+canary+"\n")
	if code, _ := w.post("/save", "text", "x", "hash", w.hash); code != http.StatusConflict {
		t.Errorf("after a change on disk: %d", code)
	}
	is(w.path, w.text+"# "+canary+"\n")
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	if code, _ := w.post("/save", "text", "x", "hash", w.hash); code != http.StatusConflict {
		t.Errorf("when the file is gone: %d", code)
	}
	if runtime.GOOS != "windows" {
		if err := os.Symlink(outside, w.path); err != nil {
			t.Fatal(err)
		}
		if code, _ := w.post("/save", "text", "x", "hash", w.hash); code != http.StatusConflict {
			t.Errorf("when the file is a link meanwhile: %d", code)
		}
		if code, body := w.get(w.origin() + "/"); code == http.StatusOK || strings.Contains(body, "version:") {
			t.Errorf("the page when the file is a link meanwhile: %d %s", code, body)
		}
		is(outside, w.text)
	}
	readOnly := start(t, nil, play.Options{ReadOnly: true})
	if body := readOnly.signIn(); strings.Contains(body, `id="save"`) || !strings.Contains(body, "Read only") {
		t.Errorf("the page:\n%s", body)
	}
	if code, _ := readOnly.post("/save", "text", "x", "hash", readOnly.hash); code != http.StatusMethodNotAllowed &&
		code != http.StatusNotFound {
		t.Errorf("read only: %d", code)
	}
	is(readOnly.path, readOnly.text)
	for name, text := range map[string]string{
		"mixed ends of lines": "version: 1\r\nname: x\n", "a CR": "version: 1\rname: x\n", "not UTF-8": "# \xff\n",
	} {
		odd := start(t, func(string) string { return text }, play.Options{})
		if body := odd.signIn(); strings.Contains(body, `id="save"`) || !strings.Contains(body, "Not saved here") {
			t.Errorf("%s:\n%s", name, body)
		}
		if code, _ := odd.post("/save", "text", "x", "hash", odd.hash); code != http.StatusConflict {
			t.Errorf("%s: %d", name, code)
		}
		is(odd.path, text)
	}
}

// TestFiles: a file that cannot be shown ends the command with what to do.
func TestFiles(t *testing.T) {
	folder := t.TempDir()
	large := filepath.Join(folder, "large.yaml")
	if err := os.WriteFile(large, make([]byte, 256<<10+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{large: "more than 256 KiB", folder: "is not a file",
		"../../../pipelines/backstage.test.yaml": "is a file of tests",
		filepath.Join(folder, "none.yaml"):       "no such file"} {
		if runtime.GOOS == "windows" && want == "no such file" {
			want = "cannot find"
		}
		if _, err := play.New(play.Options{File: path, Host: host()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestStartsNothing: no plugin is started, no provider of secrets is asked, no variable of the
// environment is read, and nothing is connected to.
func TestStartsNothing(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	defer server.Close()
	t.Setenv("GLEAN_VISIBILITY_ANNOTATION", canary)
	t.Setenv("GLEAN_INDEXING_API_KEY", canary)
	w := startSignedIn(t, nil)
	mark, program := filepath.Join(w.folder, "started"), filepath.Join(w.folder, "program")
	w.write("program", "#!/bin/sh\necho yes > '"+mark+"'\necho "+canary+"\n")
	if err := os.Chmod(program, 0o700); err != nil {
		t.Fatal(err)
	}
	w.write("token", canary)
	text := replaced(t, w.text, "transforms: ",
		"secrets:\n  exec:\n    command: ["+program+", \"{}\"]\ntransforms: ")
	text = replaced(t, text, "token: ${GLEAN_INDEXING_API_KEY}", "token: ${secret:glean}")
	text = replaced(t, text, "token: ${BACKSTAGE_API_TOKEN:-}", "token: ${file:token}")
	text = replaced(t, text, "url: ${BACKSTAGE_BASE_URL}", "url: "+server.URL)
	text = replaced(t, text, "server_url: ${GLEAN_SERVER_URL:-}", "server_url: "+server.URL)
	text = replaced(t, text, "define: ", "  - name: hostile\n    plugin:\n      command: "+program+
		"\n      sha256: "+strings.Repeat("0", 64)+"\ndefine: ")
	text = replaced(t, text, "        title: name\n", "        title: vars.visibility\n")
	a := w.evaluate(text, "ref", "component:default/booking-service")
	if a.Why != "" || !strings.Contains(a.HTML, "without the plugin &#34;hostile&#34;") ||
		!strings.Contains(a.HTML, ">glean.com/visibility</bdi></h2>") {
		t.Errorf("%s %v\n%s", a.Why, a.Problems, a.HTML)
	}
	answers := fmt.Sprint(a)
	for _, path := range []string{"/fixes", "/complete"} {
		code, body := w.post(path, "text", text, "line", "40", "character", "10")
		if code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
		answers += body
	}
	if strings.Contains(answers, canary) {
		t.Errorf("a secret is in the answers: %s", answers)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a program was started")
	}
	if n := requests.Load(); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// TestOutside: a sample is a file of the folder.
func TestOutside(t *testing.T) {
	w := startSignedIn(t, nil)
	outside := filepath.Join(t.TempDir(), "e.json")
	if err := os.WriteFile(outside, []byte(`[{"kind":"API","metadata":{"name":"`+canary+`"}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	up, _ := filepath.Rel(w.folder, outside)
	if err := os.Symlink(outside, filepath.Join(w.folder, "link.json")); err != nil {
		t.Skip(err)
	}
	for _, file := range []string{outside, up, "link.json", "/dev/zero", "..", "."} {
		if a := w.evaluate(w.text, "file", file); a.Why == "" || strings.Contains(fmt.Sprint(a), canary) {
			t.Errorf("%s: %+v", file, a)
		}
	}
}

// TestTextIsEscaped: text of the file, of an entity and of a request is never markup, and a known secret
// is removed.
func TestTextIsEscaped(t *testing.T) {
	const markup = `</textarea><script>alert(1)</script>`
	secrets := &redact.Redactor{}
	secrets.Add("the-secret-of-the-test")
	w := start(t, func(text string) string { return "# " + markup + "\n" + text }, play.Options{Secrets: secrets})
	if body := w.signIn(); strings.Contains(body, "alert(1)</script>") || !strings.Contains(body, "# &lt;/textarea&gt;") {
		t.Errorf("the page:\n%s", body)
	}
	w.write("backstage.test.yaml", "fixtures:\n  x:\n    kind: Component\n    metadata: {name: x, title: \""+
		"<script>alert(1)</script> the-secret-of-the-test \\e[31m\\u202e\", description: '<img src=x onerror=alert(1)>'}\n"+
		"tests:\n  - name: one\n    fixture: x\n    expect: {}\n")
	a := w.evaluate(w.text, "file", "tests", "as", "<b>"+canary)
	for _, bad := range []string{"<script", "<img", "<b>", "the-secret", "\x1b", "\u202e"} {
		if strings.Contains(a.HTML, bad) {
			t.Errorf("%q is in the result:\n%s", bad, a.HTML)
		}
	}
	if !strings.Contains(a.HTML, "&lt;script&gt;alert(1)") {
		t.Errorf("the title is missing: %s\n%s", a.Why, a.HTML)
	}
}

// TestBombs: bombs of aliases, depth and expressions cost bounded time, and the page goes on.
func TestBombs(t *testing.T) {
	w := startSignedIn(t, nil)
	var aliases strings.Builder
	aliases.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 12 {
		fmt.Fprintf(&aliases, "a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	title := func(expression string) string {
		return replaced(t, w.text, "        title: name\n", "        title: "+expression+"\n")
	}
	for name, text := range map[string]string{
		"aliases": aliases.String(), "depth": strings.Repeat("[", 100_000), "brackets": title(strings.Repeat("(", 100_000)),
		"long":   title("name" + strings.Repeat(" + name", 20_000)),
		"nested": title("'" + strings.Repeat("map(metadata.tags, ", 30) + "#" + strings.Repeat(")", 30) + "'"),
		"range":  title("'join(map(1..100000000, text(#)))'"),
		"repeat": title(`'join(map(1..100000, map(1..100000, "x")))'`),
		"lines":  strings.Repeat("a: [\n", 40_000), "names": strings.Repeat("x:\n", 80_000),
	} {
		for _, path := range []string{"/evaluate", "/fixes", "/complete"} {
			began := time.Now()
			code, body := w.post(path, "text", text, "line", "118", "character", "12")
			answered := code == http.StatusOK || code == http.StatusServiceUnavailable
			if took := time.Since(began); took > 15*time.Second || !answered || len(body) > 1<<20 {
				t.Errorf("%s of %s: %d after %v, %d bytes", path, name, code, took, len(body))
			}
		}
	}
	for began := time.Now(); ; {
		code, body := w.post("/evaluate", "text", w.text)
		if code == http.StatusOK && strings.Contains(body, "Decided by") {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("after the bombs: %d %s", code, body)
		}
	}
}

// TestDefect: a panic is an answer and one line of the log with its stack, and the page goes on.
func TestDefect(t *testing.T) {
	broken := host()
	broken.Source = func([]component.Recorded, component.Model) (component.Source, error) { panic(canary) }
	var log strings.Builder
	w := start(t, nil, play.Options{Host: broken, Log: slog.New(slog.NewTextHandler(&log, nil))})
	w.signIn()
	code, body := w.post("/evaluate", "text", w.text)
	if code != http.StatusInternalServerError || !strings.Contains(body, "a defect in pipe") ||
		strings.Contains(body, canary) {
		t.Errorf("the answer: %d %s", code, body)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, canary) ||
		!strings.Contains(got, "hostile_test.go:") {
		t.Errorf("the log:\n%s", got)
	}
	if code, body := w.post("/complete", "text", w.text, "line", "0", "character", "0"); code != http.StatusOK {
		t.Errorf("afterwards: %d %s", code, body)
	}
}

// TestWithoutSession: the page is not shown, whoever serves it.
func TestWithoutSession(t *testing.T) {
	w := start(t, nil, play.Options{})
	page, err := play.New(play.Options{File: w.path, Host: host(),
		Session: func(*http.Request) *signin.Session { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*http.Request{httptest.NewRequest(http.MethodGet, "/", nil),
		w.request("/evaluate", "text", w.text), w.request("/save", "text", "x")} {
		answer := httptest.NewRecorder()
		page.ServeHTTP(answer, r)
		if answer.Code != http.StatusUnauthorized && answer.Code != http.StatusForbidden ||
			strings.Contains(answer.Body.String(), "version:") {
			t.Errorf("%s: %d %s", r.URL.Path, answer.Code, answer.Body)
		}
	}
}
