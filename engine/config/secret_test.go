package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

// Invariant 6, secrets stay secret: whatever prints a decoded struct, also one
// that holds a secret in an unexported field.
func TestSecretIsNeverPrinted(t *testing.T) {
	var p pipeline
	doc, problems := decodeText(t,
		least+"  token: "+canary+"\n  headers: {A: \"${TOKEN}\"}\n  plan: {key: \""+canary+"\"}\n", &p, environment())
	if problems.HasErrors() || len(problems) != 2 || p.Source.Token.Reveal() != canary {
		t.Fatal(problems)
	}
	type holder struct {
		hidden Secret
		Shown  *Secret
		M      map[string]Secret
	}
	values := []any{p, &p, p.Source.Token, &p.Source.Token, p.Source.Headers,
		holder{p.Source.Token, &p.Source.Token, p.Source.Headers}, []any{p.Source}, problems, Describe(&p)}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		if data, err := codec.Marshal(v); err == nil {
			out.Write(data)
		}
		log.Info("x", "v", v)
	}
	problems.Render(&out, func(string) []byte { return doc.Source() })
	out.Write(doc.Source())
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary)} {
		if i := strings.Index(out.String(), form); i >= 0 {
			t.Errorf("a secret is shown: %s", out.String()[max(0, i-100):i+len(form)])
		}
	}
	if !strings.Contains(out.String(), redacted) {
		t.Error("nothing was redacted")
	}
}

func TestSecretStates(t *testing.T) {
	if s := (Secret{}); s.String() != unset || s.IsSet() || s.FromFile() || s.Reveal() != "" {
		t.Error("the zero secret is not unset")
	}
	if s := NewSecret("x"); fmt.Sprintf("%#v", s) != redacted || s.Reveal() != "x" {
		t.Error("a secret does not say [redacted]")
	}
	if s, err := NewSecret("x").Reload(t.Context()); err != nil || s.Reveal() != "x" {
		t.Error("a secret without a file changes")
	}
}

// TestReloadContext: the context of Reload, and no other, ends a provider that is asked again.
func TestReloadContext(t *testing.T) {
	var asked []context.Context
	vars := &Variables{Secret: func(ctx context.Context, _ string, _ bool) (SecretText, error) {
		asked = append(asked, ctx)
		return SecretText{Text: "text"}, ctx.Err()
	}, Context: t.Context()}
	doc, _ := Parse("p.yaml", []byte("window: 1s\nkey: ${secret:token}\n"))
	var p plan
	if problems := Decode(doc.Root(), &p, vars); problems.HasErrors() {
		t.Fatal(problems)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Key.Reload(ended); err == nil || len(asked) != 2 || asked[0] != vars.Context || asked[1] != ended {
		t.Errorf("%v, asked %d times", err, len(asked))
	}
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one\n\n")
	doc, _ := Parse(filepath.Join(dir, "p.yaml"), []byte("window: 1s\nkey: \"Bearer ${file:token}\"\n"))
	var p plan
	if problems := Decode(doc.Root(), &p, &Variables{}); problems.HasErrors() {
		t.Fatal(problems)
	}
	if !p.Key.FromFile() || p.Key.Reveal() != "Bearer one\n" {
		t.Errorf("%q", p.Key.Reveal())
	}
	write("two\r\n")
	again, err := p.Key.Reload(t.Context())
	if err != nil || again.Reveal() != "Bearer two" || !again.FromFile() || p.Key.Reveal() == again.Reveal() {
		t.Errorf("%q %v", again.Reveal(), err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	var problems Problems
	kept, err := again.Reload(t.Context())
	if !errors.As(err, &problems) || !strings.Contains(err.Error(), "does not exist") ||
		kept.Reveal() != "Bearer two" {
		t.Errorf("%v", err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("%v", err)
	}
}
