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
	code, body := p.get("/")
	attributes := regexp.MustCompile(`data-token="([^"]*)" data-hash="([^"]*)"`).FindStringSubmatch(body)
	if code != http.StatusOK || !strings.Contains(body, "\nversion: 1\nname: backstage\n") || attributes == nil {
		t.Fatalf("the page: %d\n%s", code, body)
	}
	base, _, _ := strings.Cut(p.link, "/sign-in")
	post := func(path string, fields url.Values) (int, string) {
		fields.Set("token", attributes[1])
		r, err := http.NewRequest(http.MethodPost, base+path, strings.NewReader(fields.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", base)
		res, err := p.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	for _, from := range []string{"", "sandbox"} {
		code, body := post("/evaluate", url.Values{"text": {content}, "file": {from}})
		if code != http.StatusOK || !strings.Contains(body, "Decided by") {
			t.Errorf("sample %q: %d\n%s", from, code, body)
		}
	}
	code, body = post("/save", url.Values{"text": {content + "# saved\n"}, "hash": {attributes[2]}})
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
