package cli

import (
	"cmp"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/display"
)

func (a *app) versionCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "version",
		Usage: "print version, commit, build date and Go version",
		Action: func(c *urfave.Context) error {
			v := version.Current()
			if c.Bool("json") {
				return a.printJSON(v, nil)
			}
			display.Fprintf(a.Stdout, "%s %s\n  commit  %s\n  date    %s\n  go      %s %s\n", a.program().Name,
				v.Version,
				cmp.Or(v.Commit, "unknown"), cmp.Or(v.Date, "unknown"), v.Go, v.Platform)
			return nil
		},
	}
}
