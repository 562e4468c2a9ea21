package e2e

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// openPlay opens the page of a playground. It returns the page, the hash of its file, and how to send a
// request of the page.
func openPlay(p *previewed) (body, hash string, post func(path string, fields url.Values) (int, string)) {
	p.t.Helper()
	code, body := p.get("/")
	attributes := regexp.MustCompile(`data-token="([^"]*)" data-hash="([^"]*)"`).FindStringSubmatch(body)
	if code != http.StatusOK || attributes == nil {
		p.t.Fatalf("the page: %d\n%s", code, body)
	}
	base, _, _ := strings.Cut(p.link, "/sign-in")
	return body, attributes[2], func(path string, fields url.Values) (int, string) {
		fields.Set("token", attributes[1])
		r, err := http.NewRequest(http.MethodPost, base+path, strings.NewReader(fields.Encode()))
		if err != nil {
			p.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", base)
		res, err := p.client.Do(r)
		if err != nil {
			p.t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			p.t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
}

// TestPlay: the page has the file and what the program makes of its fixtures, after a sign-in with the
// link; Ctrl-C ends it.
func TestPlay(t *testing.T) {
	t.Parallel()
	folder, content, _ := copiedShipped(t)
	file := filepath.Join(folder, "backstage.yaml")
	p := startPage(t, t.TempDir(), "play", file)
	if code, body := p.get("/"); code != http.StatusUnauthorized || strings.Contains(body, "version: 1") {
		t.Errorf("without a sign-in: %d\n%s", code, body)
	}
	if code := p.signIn(); code != http.StatusOK {
		t.Errorf("sign in: %d", code)
	}
	body, hash, post := openPlay(p)
	if !strings.Contains(body, "\nversion: 1\nname: backstage\n") {
		t.Errorf("the page:\n%s", body)
	}
	for _, from := range []string{"", "sandbox"} {
		code, body := post("/evaluate", url.Values{"text": {content}, "file": {from}})
		if code != http.StatusOK || !strings.Contains(body, "Decided by") {
			t.Errorf("sample %q: %d\n%s", from, code, body)
		}
	}
	code, body := post("/save", url.Values{"text": {content + "# saved\n"}, "hash": {hash}})
	if code != http.StatusOK {
		t.Errorf("save: %d %s", code, body)
	}
	if got := read(t, file); got != content+"# saved\n" {
		t.Errorf("the file is %d bytes", len(got))
	}
	p.signal(os.Interrupt, stopping)
	if code := p.exit(); code != 130 {
		t.Errorf("exit %d\n%s", code, p.text())
	}
	if strings.Contains(p.text(), "sign-in") {
		t.Errorf("the link is in the output:\n%s", p.text())
	}
}

// TestPlayLog: the log says why a request failed.
func TestPlayLog(t *testing.T) {
	t.Parallel()
	folder, content, _ := copiedShipped(t)
	// A folder has the name of the temporary file.
	if err := os.MkdirAll(filepath.Join(folder, ".backstage.yaml.new", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := startPage(t, t.TempDir(), "play", filepath.Join(folder, "backstage.yaml"))
	p.signIn()
	_, hash, post := openPlay(p)
	if code, body := post("/save", url.Values{"text": {content}, "hash": {hash}}); code != http.StatusInternalServerError {
		t.Errorf("save: %d %s", code, body)
	}
	p.signal(os.Interrupt, stopping)
	p.exit()
	if !strings.Contains(p.text(), "! a request of the page failed error=save /") {
		t.Errorf("the log:\n%s", p.text())
	}
}

// TestPlayRefuses: calls that would show the page or its link to others, and files that are none.
func TestPlayRefuses(t *testing.T) {
	t.Parallel()
	link := "--link-file=" + filepath.Join(t.TempDir(), "link")
	for want, args := range map[string][]string{
		"printed only to a terminal":   {shipped},
		"served to this machine alone": {link, "--listen", "0.0.0.0:7979", shipped},
		"play takes one file":          {link, shipped, shipped},
		"none.yaml: ":                  {link, filepath.Join(t.TempDir(), "none.yaml")},
		"is a folder":                  {link, t.TempDir()},
	} {
		c := pipe(t, nil, append([]string{"play"}, args...)...)
		if !strings.Contains(c.stderr, want) || c.code != 2 || strings.Contains(c.both(), "sign-in?code") {
			t.Errorf("%v: exit %d, want %s\n%s", args, c.code, want, c.both())
		}
	}
}
