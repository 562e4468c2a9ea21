package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// TestStartedByHand: a server of a protocol says in a terminal what it waits for, and what to do when
// its input is something else.
func TestStartedByHand(t *testing.T) {
	for _, one := range []struct{ command, page, input string }{
		{"lsp", "pipelines/editors.md", "hello"}, {"lsp", "pipelines/editors.md", "{\"jsonrpc\":\"2.0\"}\n"},
		{"lsp", "pipelines/editors.md", "Content-Length: x\r\n"}, {"lsp", "pipelines/editors.md", "a: b\n\n"},
		{"lsp", "pipelines/editors.md", strings.Repeat("x", 10_000)},
		{"mcp", "pipelines/assistants.md", "hello\n"}, {"mcp", "pipelines/assistants.md", "{\"a\":1}\n"},
	} {
		for _, byHand := range []bool{false, true} {
			var out, errs bytes.Buffer
			code := Run(t.Context(), Host{Args: []string{"pipe", one.command}, Stdin: strings.NewReader(one.input),
				Stdout: &out, Stderr: &errs, Env: func(string) (string, bool) { return "", false }, Interactive: byHand})
			text := strings.Join(strings.Fields(errs.String()), " ")
			if strings.Contains(text, "waits for its messages. "+one.page+" shows how to set it up. Ctrl-C ends it.") != byHand {
				t.Errorf("pipe %s, by hand %v: %s", one.command, byHand, text)
			}
			if code != 2 || !strings.Contains(text, "the input is not the ") ||
				!strings.Contains(text, "start pipe "+one.command+"; "+one.page+" shows how") {
				t.Errorf("pipe %s with %.20q: %d %s", one.command, one.input, code, text)
			}
		}
	}
	var errs bytes.Buffer
	Run(t.Context(), Host{Args: []string{"pipe", "lsp"}, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &errs,
		Env: func(string) (string, bool) { return "", false }})
	text := strings.Join(strings.Fields(errs.String()), " ")
	if !strings.Contains(text, "the editor closed the connection without asking pipe lsp to shut down: EOF") {
		t.Error(text)
	}
}
