package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
)

func TestTokenForm(t *testing.T) {
	for token, want := range map[string]string{
		"":                      "",
		"abc.DEF-123_~+/=":      "",
		"abc'def\"":             "",
		"Bearerabc":             "",
		"bearer":                "",
		`"canary"`:              "a quotation mark",
		`'canary'`:              "a quotation mark",
		` "canary`:              "a quotation mark",
		"“canary”":              "a quotation mark",
		"Bearer canary":         "begins with Bearer",
		"bearer  canary":        "begins with Bearer",
		" BEARER canary":        "begins with Bearer",
		"Authorization: canary": "the name of the header",
		`"Bearer canary"`:       "a quotation mark",
		"canary\n":              "a line break",
	} {
		var got []string
		ValidateToken("token", config.NewSecret(token), func(field, code, message, hint string) {
			got = append(got, message)
			if field != "token" || code != codeConnection || hint == "" || strings.Contains(message+hint, "canary") {
				t.Errorf("%q: %s %s %s %s", token, field, code, message, hint)
			}
		})
		if len(got) > 1 || strings.Contains(strings.Join(got, ""), "the token ") != (want != "") ||
			!strings.Contains(strings.Join(got, ""), want) {
			t.Errorf("%q: %q, want %q", token, got, want)
		}
	}
}

// A file that is written anew while the program runs is held against the same rule.
func TestTokenFormRenewed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	put := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("first")
	var v struct {
		Token config.Secret `yaml:"token"`
	}
	doc, _ := config.Parse("p.yaml", []byte("token: ${file:"+path+"}\n"))
	if problems := config.Decode(doc.Root(), &v, &config.Variables{}); problems.HasErrors() {
		t.Fatal(problems)
	}
	c, err := New(Settings{Token: v.Token})
	if err != nil {
		t.Fatal(err)
	}
	put("Bearer canary")
	if _, err := c.Renew(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "begins with Bearer") ||
		strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}
