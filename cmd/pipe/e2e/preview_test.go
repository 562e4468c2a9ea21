package e2e

import (
	"bytes"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// previewed is a page on this machine of another process, such as a preview, and a browser.
type previewed struct {
	*process
	t         *testing.T
	link      string
	temporary string // the folder for its temporary files
	client    http.Client
}

func startPreview(t *testing.T, temporary string, args ...string) *previewed {
	t.Helper()
	return startPage(t, temporary, append([]string{"preview", "--progress", "none"}, args...)...)
}

// startPage starts a command that serves a page, and waits for its link.
func startPage(t *testing.T, temporary string, args ...string) *previewed {
	t.Helper()
	file := filepath.Join(t.TempDir(), "link")
	env := map[string]string{"TMPDIR": temporary, "TMP": temporary}
	p := &previewed{process: startProcess(t, env, append(args, "--link-file", file)...), t: t, temporary: temporary}
	for begun := time.Now(); p.link == ""; time.Sleep(20 * time.Millisecond) {
		text, _ := os.ReadFile(file)
		p.link = strings.TrimSpace(string(text))
		if time.Since(begun) > time.Minute {
			t.Fatalf("there is no link after a minute:\n%s", p.text())
		}
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the link: %v, %v", info.Mode(), err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p.client.Jar = jar
	p.client.Transport = &http.Transport{}
	t.Cleanup(p.client.CloseIdleConnections)
	return p
}

// get returns the status and the text of a page, a path on the preview's server.
func (p *previewed) get(path string) (int, string) {
	p.t.Helper()
	base, _, _ := strings.Cut(p.link, "/sign-in")
	res, err := p.client.Get(base + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func (p *previewed) signIn() int {
	_, path, _ := strings.Cut(p.link, "/sign-in")
	code, _ := p.get("/sign-in" + path)
	return code
}

// TestPreview: a link signs in once; a person finds what they may see; Ctrl-C ends the preview
// and leaves nothing.
func TestPreview(t *testing.T) {
	t.Parallel()
	p := startPreview(t, t.TempDir(), "--sandbox", shipped)
	if code, body := p.get("/?q=card"); code != http.StatusUnauthorized || strings.Contains(body, "Card") {
		t.Errorf("without a sign-in: %d\n%s", code, body)
	}
	if code := p.signIn(); code != http.StatusOK {
		t.Errorf("sign in: %d", code)
	}
	if code := p.signIn(); code != http.StatusForbidden {
		t.Errorf("sign in again: %d", code)
	}
	if code, body := p.get("/?as=amara.okafor@larkspur.example"); code != http.StatusOK ||
		!strings.Contains(body, "Amara Okafor") {
		t.Errorf("search: %d\n%s", code, body)
	}
	request, err := http.NewRequest(http.MethodGet, strings.SplitN(p.link, "/sign-in", 2)[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "pipe.example.com"
	res, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("with another Host header: %s", res.Status)
	}
	p.signal(os.Interrupt, stopping)
	if code := p.exit(); code != 130 {
		t.Errorf("exit %d\n%s", code, p.text())
	}
	if strings.Contains(p.text(), "sign-in") {
		t.Errorf("the link is in the output:\n%s", p.text())
	}
	left, err := os.ReadDir(p.temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestPreviewKilled: a killed preview leaves no text of a document, and the next one removes its
// folder.
func TestPreviewKilled(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	const canary = "canary-private-b1946ac9"
	catalog := filepath.Join(t.TempDir(), "catalog.yaml")
	text := "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: secret, description: " + canary + "}\n" +
		"spec: {type: service, lifecycle: production, owner: user:default/ann}\n"
	if err := os.WriteFile(catalog, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startPreview(t, temporary, "--input", catalog, shipped)
	p.signIn()
	if _, body := p.get("/?q=" + url.QueryEscape(canary[:12])); !strings.Contains(body, "secret") {
		t.Errorf("the document is not found:\n%s", body)
	}
	if runtime.GOOS != "windows" {
		hasNo(t, temporary, canary)
	}
	p.cmd.Process.Kill()
	p.exit()
	if runtime.GOOS != "windows" {
		hasNo(t, temporary, canary)
	}
	next := startPreview(t, temporary, "--input", catalog, shipped)
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 1 {
		t.Errorf("while the next preview runs: %v, %v", left, err)
	}
	next.signal(os.Interrupt, stopping)
	next.exit()
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func hasNo(t *testing.T, folder, canary string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(canary)) {
			t.Errorf("%s has the text of a document", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestPreviewRefuses: calls that would show the pages or the link to others, and a port in use.
func TestPreviewRefuses(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	link := "--link-file=" + filepath.Join(t.TempDir(), "link")
	for want, args := range map[string][]string{
		"printed only to a terminal":      {"--sandbox"},
		"served to this machine alone":    {link, "--sandbox", "--listen", "0.0.0.0:7979"},
		"--listen :7979":                  {link, "--sandbox", "--listen", ":7979"},
		"--listen localhost:7979":         {link, "--sandbox", "--listen", "localhost:7979"},
		"--listen 7979 is not an address": {link, "--sandbox", "--listen", "7979"},
		"another program uses the port":   {link, "--sandbox", "--listen", l.Addr().String()},
		"--catalog goes with --sandbox":   {link, "--catalog", "x"},
		"both set the source":             {link, "--sandbox", "--input", "x"},
		"there is no progress":            {link, "--sandbox", "--progress", "x"},
		"preview takes one file":          {link, "--sandbox", shipped},
		"--link-file: ":                   {"--link-file", filepath.Join(t.TempDir(), "no", "link"), "--sandbox"},
		"--input: read the records":       {link, "--input", filepath.Join(t.TempDir(), "none")},
	} {
		c := pipe(t, nil, append(append([]string{"preview"}, args...), shipped)...)
		if !strings.Contains(c.stderr, want) || c.code == 0 || strings.Contains(c.both(), "sign-in?code") {
			t.Errorf("%v: exit %d, want %s\n%s", args, c.code, want, c.both())
		}
		if want != "--link-file: " && c.code != 2 {
			t.Errorf("%v: exit %d\n%s", args, c.code, c.both())
		}
	}
}
