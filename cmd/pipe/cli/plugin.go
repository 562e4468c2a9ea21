package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
)

func (a *app) pluginCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "plugin",
		Usage: "make, try and inspect transforms of your own",
		Subcommands: []*urfave.Command{{
			Name:      "list",
			Usage:     "list the plugins of a pipeline, with version and checksum",
			ArgsUsage: "FILE",
			Description: "Starts each plugin that has its pinned checksum, asks it for its name and version, and stops it. " +
				"The process of PIPE_REATTACH_PLUGINS is asked instead, where there is one.",
			Flags:  []urfave.Flag{allowUnpinned()},
			Action: a.pluginList,
		}, {
			Name:      "describe",
			Usage:     "show what a plugin reads, writes and can be configured with",
			ArgsUsage: "PATH [ARGUMENT…]",
			Description: "Starts the program and stops it. A script may follow its interpreter: /usr/bin/python3 " +
				"redact.py; flags of the plugin follow --.",
			Action: a.pluginDescribe,
		}, {
			Name:        "checksum",
			Usage:       "print the checksum of a plugin's files for the pipeline file",
			ArgsUsage:   "PATH…",
			Description: "Starts nothing. Name every file that the command names, in its order.",
			Action:      a.pluginChecksum,
		}, a.pluginTryCommand(), a.pluginNewCommand()},
	}
}

// allowUnpinned is taken by the commands that load a pipeline for its plugins.
func allowUnpinned() urfave.Flag {
	return &urfave.BoolFlag{Name: "allow-unpinned",
		Usage: "start plugins that have no checksum in the file (for development)"}
}

// The states of a checksum.
const (
	sumPinned      = "pinned"
	sumInterpreter = "pinned (interpreter only)"
	sumDiffers     = "differs"
	sumNone        = "none"
	sumUnknown     = "unreadable"
	sumAttached    = "-" // another process is used
)

type listedPlugin struct {
	Transform string   `json:"transform"`
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	Command   []string `json:"command"`
	Checksum  string   `json:"checksum"`
	State     string   `json:"state"`
	Hint      string   `json:"hint,omitempty"`
	OK        bool     `json:"ok"`
}

func (a *app) pluginList(c *urfave.Context) error {
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	f, err := a.load(c.Context, c, path, loading{lenient: true, unpinned: true})
	if err != nil {
		return err
	}
	d := f.Definition
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	all := a.pluginsOf(ctx, d, c.Bool("allow-unpinned"))
	if a.stopped.Load() != 0 {
		return fault.ErrStopped
	}
	bad := slices.ContainsFunc(all, func(p listedPlugin) bool { return !p.OK })
	switch {
	case c.Bool("json"):
		err = a.printJSON(all, nil)
	case len(all) == 0:
		display.Fprintf(a.Stdout, "%s names no plugin\n", path)
	default:
		a.printPlugins(all, a.colors(c))
	}
	if err == nil && bad {
		return exit(job.Wrong)
	}
	return err
}

// pluginsOf starts the plugins of a file one after another.
func (a *app) pluginsOf(ctx context.Context, d *pipeline.Definition, unpinned bool) []listedPlugin {
	all := []listedPlugin{}
	for _, transform := range d.Transforms() {
		t, ok := component.Capability[*pluginhost.Transform](transform)
		if !ok {
			continue
		}
		o := t.Options()
		p := listedPlugin{Transform: o.Name, Command: o.Command, Checksum: checksumState(&o)}
		p.State = "starts"
		if t.Attached() {
			p.Checksum, p.State = sumAttached, "attached"
		}
		if p.Checksum == sumNone && !unpinned {
			p.State, p.Hint = "not started: it has no checksum", "add sha256 to its block, or --allow-unpinned to this command"
		} else if about, err := t.Describe(ctx); err != nil {
			p.State, _, _ = strings.Cut(err.Error(), "\n")
			p.Hint = fault.RemedyOf(err)
		} else {
			p.Name, p.Version, p.OK = about.Name, about.Version, true
		}
		all = append(all, p)
	}
	return all
}

func checksumState(o *pluginhost.Options) string {
	if len(o.Sums) == 0 {
		return sumNone
	}
	files := o.Files()
	if len(files) != len(o.Sums) {
		return sumDiffers
	}
	for i, file := range files {
		switch sum, err := pluginhost.Checksum(file); {
		case err != nil:
			return sumUnknown
		case sum != o.Sums[i]:
			return sumDiffers
		}
	}
	if o.InterpreterOnly() {
		return sumInterpreter
	}
	return sumPinned
}

func (a *app) printPlugins(all []listedPlugin, st print.Style) {
	var rows [][]string
	for _, p := range all {
		state := "not started"
		if p.OK {
			state = p.State
		}
		rows = append(rows, []string{p.Transform, p.Name, p.Version, strings.Join(p.Command, " "), p.Checksum, state})
	}
	display.Fprintln(a.Stdout,
		print.Grid([]string{"transform", "plugin", "version", "command", "checksum", "state"}, rows, 6, st))
	for _, p := range all {
		if !p.OK {
			display.Fprintf(a.Stdout, "%s %s: %s\n", st.Bad.Render("!"), p.Transform,
				strings.TrimPrefix(p.State, "not started: "))
			if p.Hint != "" {
				display.Fprintf(a.Stdout, "  → %s\n", display.Indent(p.Hint, "    "))
			}
		}
	}
}

// aloneTimeout is how long a plugin may take for a call outside a pipeline.
const aloneTimeout = 30 * time.Second

// alone returns the options of a plugin outside a pipeline; its command is relative to the
// working directory.
func (a *app) alone(c *urfave.Context, command []string) (pluginhost.Options, error) {
	if len(command) == 0 {
		return pluginhost.Options{},
			usage{"pipe plugin " + c.Command.Name + " needs the path of a plugin",
				"write pipe plugin " + c.Command.Name + " PATH"}
	}
	folder, err := os.Getwd()
	if err != nil {
		return pluginhost.Options{}, err
	}
	return pluginhost.Options{
		Name: filepath.Base(command[0]), Command: command, Folder: folder, Unpinned: true,
		Timeout: aloneTimeout, Batch: 1, OnError: "fail", Lookup: a.lookup, Log: a.log,
	}, nil
}

func (a *app) pluginChecksum(c *urfave.Context) error {
	if !c.Args().Present() {
		return usage{"pipe plugin checksum needs the path of a plugin",
			"write pipe plugin checksum PATH; when the command has several files, name each"}
	}
	type pinned struct {
		Path   string `json:"path"`
		SHA256 string `json:"sha256"`
	}
	var all []pinned
	var sums []string
	for _, path := range c.Args().Slice() {
		sum, err := pluginhost.Checksum(path)
		if err != nil {
			return usage{fmt.Sprintf("no checksum of %s: %v", path, err),
				"name files alone: the program, and the scripts among its arguments"}
		}
		all, sums = append(all, pinned{path, sum}), append(sums, sum)
	}
	line := "sha256: " + sums[0]
	if len(sums) > 1 {
		line = "sha256: [" + strings.Join(sums, ", ") + "]"
	}
	if c.Bool("json") {
		return a.printJSON(map[string]any{"files": all, "line": line}, nil)
	}
	for _, p := range all {
		display.Fprintf(a.Stdout, "%s  %s\n", p.SHA256, p.Path)
	}
	display.Fprintf(a.Stdout, "\nin the plugin's block:\n  %s\n", line)
	return nil
}
