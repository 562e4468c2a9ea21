package cli

import (
	"runtime"
	"runtime/debug"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/display"
)

// version is the module's version as the Go tool stamped it, or the revision it
// was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}

func (a *app) versionCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "version",
		Usage: "print the version of pipe and of Go",
		Action: func(c *urfave.Context) error {
			if c.Bool("json") {
				return a.printJSON(map[string]string{"version": version(), "go": runtime.Version(),
					"platform": runtime.GOOS + "/" + runtime.GOARCH}, nil)
			}
			display.Fprintf(a.Stdout, "pipe %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
