package cli

import (
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/editor/analysis"
	"github.com/pipe-engine/pipe/engine/editor/lsp"
	"github.com/pipe-engine/pipe/sources/file"
)

func (a *app) lspCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "lsp",
		Usage: "serve an editor: problems, fixes, completion and values while you type",
		Description: "A language server for pipeline and test files, over standard input and output; an editor starts it. " +
			"It starts no plugin, resolves no secret, reads no variable of the environment, connects to nothing, and " +
			"reads files of the editor's folders only. See pipelines/editors.md.",
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "stdio", Usage: "accepted since some editors pass it; it is always so"},
		},
		Action: a.lspAction,
	}
}

func (a *app) lspAction(c *urfave.Context) error {
	if c.Args().Present() {
		return usage{"pipe lsp takes no file", "the editor says which files are open"}
	}
	a.startedByHand("pipe lsp is started by an editor and waits for its messages. pipelines/editors.md shows how to " +
		"set it up. Ctrl-C ends it.")
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	return lsp.Serve(ctx, editorHost(a.Registry), a.Stdin, rawOutput(a.Stdout))
}

// editorHost returns what the program provides to the front ends of package analysis.
func editorHost(r component.Registry) analysis.Host {
	return analysis.Host{Registry: r, Version: version.Current().Version,
		Source: func(given []component.Recorded, m component.Model) (component.Source, error) {
			return file.New(given, m)
		},
	}
}

// startedByHand explains a server of a protocol that was started in a terminal.
func (a *app) startedByHand(text string) {
	if a.Interactive {
		display.Fprintln(a.Stderr, text)
		flush(a.Stderr)
	}
}

// rawOutput returns what is behind the program's output: the protocol counts bytes, and an editor
// shows what it gets.
func rawOutput(w io.Writer) io.Writer {
	if out, ok := w.(*writer); ok {
		return out.behind
	}
	return w
}
