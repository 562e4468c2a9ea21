package e2e

import (
	"encoding/base64"
	"fmt"
	"html"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

// canary makes a secret that every way of escaping changes, and whose name is nowhere else,
// so a piece of it is found, too.
func canary(name string) string { return "canary/" + name + `+"8f14"&<e45f>=?%\ç` }

// traces are the forms in which a secret may show: plain, escaped, in base64
// with anything around it.
func traces(secret string) []string {
	quoted := string(codec.Quote(nil, secret))
	goQuoted := strconv.Quote(secret)
	out := []string{
		secret, "canary", url.QueryEscape("canary/"), strings.ToLower(url.QueryEscape("canary/")),
		quoted[1 : len(quoted)-1], goQuoted[1 : len(goQuoted)-1], html.EscapeString(secret),
		url.QueryEscape(secret), url.PathEscape(secret),
		fmt.Sprintf("%x", secret),
	}
	for shift := range 3 {
		text := append(make([]byte, shift), secret...)
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			within := e.EncodeToString(text)[4 : len(text)/3*4] // what does not depend on its neighbours
			out = append(out, within, url.QueryEscape(within), strings.ToLower(url.QueryEscape(within)),
				strings.ReplaceAll(within, "/", `\/`))
		}
	}
	return out
}

// leaks are the secrets that a text holds in one form or another.
func leaks(text string, secrets []string) (out []string) {
	for _, s := range secrets {
		for _, trace := range traces(s) {
			if i := strings.Index(text, trace); i >= 0 {
				out = append(out, fmt.Sprintf("%q in …%s…", trace, text[max(0, i-80):min(len(text), i+len(trace)+40)]))
				break
			}
		}
	}
	return out
}

// leakedFiles searches every file below some folders.
func leakedFiles(t testing.TB, secrets []string, dirs ...string) (out []string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			for _, l := range leaks(path+"\n"+string(b), secrets) {
				out = append(out, filepath.Base(path)+": "+l)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestTraces: the search finds secrets.
func TestTraces(t *testing.T) {
	secret := canary("x")
	for name, text := range map[string]string{
		"plain": "a" + secret, "cut": secret[:9], "JSON": string(codec.Quote(nil, secret)), "Go": strconv.Quote(secret),
		"URL": "?t=" + url.QueryEscape(secret), "HTML": html.EscapeString(secret),
		"base64":          base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 after 1":  base64.StdEncoding.EncodeToString([]byte("u" + secret + "zz")),
		"base64 after 2":  base64.URLEncoding.EncodeToString([]byte("u:" + secret)),
		"base64 in a URL": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("u:" + secret))),
		"base64 in JSON":  strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte("u:"+secret)), "/", `\/`),
	} {
		if len(leaks(text, []string{secret})) == 0 {
			t.Errorf("%s: %s passes", name, text)
		}
	}
	if found := leaks("[redacted] can see Y2Fu", []string{secret}); len(found) > 0 {
		t.Error(found)
	}
}
