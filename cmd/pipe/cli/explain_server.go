package cli

import (
	"context"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/serve/client"
)

// readingTime is how long a server may read before a call gives up.
const readingTime = 10 * time.Minute

// explainAtServer explains a record that a server has read.
func (a *app) explainAtServer(c *urfave.Context) error {
	for _, name := range []string{"input", "sandbox", "catalog"} {
		if c.IsSet(name) {
			return usage{"--" + name + " is for a file, but a server reads its source", "leave out one of the two"}
		}
	}
	if c.Args().Len() != 2 {
		return usage{"pipe explain needs a pipeline and one ref",
			"write pipe explain --server URL backstage component:default/checkout"}
	}
	var e *client.Explained
	err := a.atServer(c, func(ctx context.Context, server *client.Client, pipeline string) (err error) {
		e, err = server.Explain(ctx, pipeline, c.Args().Get(1), strings.TrimSpace(c.String("as")), readingTime, func() {
			display.Fprintln(a.Stderr, "the server reads the documents first")
		})
		return err
	})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(e, nil)
	}
	display.Fprintf(a.Stdout, "read at %s\n", display.Time(e.Read))
	print.Explanation(a.Stdout, e.Explanation, c.Bool("record"), a.colors(c))
	return nil
}
