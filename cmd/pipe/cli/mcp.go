package cli

import (
	"io"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/editor/mcp"
	"github.com/pipe-engine/pipe/sources/file"
)

func (a *app) mcpCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "mcp",
		Usage: "serve dry runs to an assistant, by the Model Context Protocol",
		Description: "An assistant starts it in the folder of your pipeline files and speaks with it on standard input and " +
			"output. It can check, explain, evaluate, test, compare and search; it can never publish, hide, approve or " +
			"read a secret, and it starts no plugin. It reads files below the folder it was started in, and takes entities " +
			"from the sandbox.\n\n" +
			"With --live it also reads the real source, by the addresses and credentials of FILE as it was when pipe mcp " +
			"started, and without --inspect only while the edited file decides the same. The page " +
			"pipelines/assistants.md shows how to set it up.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "live", Usage: "let it read the source of this trusted pipeline `FILE`"},
			&urfave.BoolFlag{Name: "inspect", Usage: "let it read recorded files, and show the texts of documents that " +
				"not everyone finds"},
		},
		Action: a.mcpAction,
	}
}

func (a *app) mcpAction(c *urfave.Context) error {
	if c.Args().Present() {
		return usage{"pipe mcp takes no file: an assistant names it in each call", "leave out " + c.Args().First()}
	}
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	a.startedByHand("pipe mcp is started by an assistant and waits for its messages. pipelines/assistants.md shows " +
		"how to set it up. Ctrl-C ends it.")
	in, isCloser := a.Stdin.(io.ReadCloser)
	if !isCloser {
		in = io.NopCloser(a.Stdin)
	}
	return mcp.Serve(ctx, mcp.Options{
		Folder: folder, Registry: a.Registry, Live: c.String("live"), Lookup: a.lookup, Inspect: c.Bool("inspect"),
		Version: version.Current().Version, Secrets: a.redactor, Log: a.log,
		Records: func(given []component.Recorded, m component.Model) (component.Source, error) {
			return file.New(given, m)
		},
	}, in, plainOutput{a.plain})
}

// plainOutput is the standard output as it is: messages are neither wrapped nor changed.
type plainOutput struct{ io.Writer }

// Close leaves it open.
func (plainOutput) Close() error { return nil }
