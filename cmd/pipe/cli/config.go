package cli

import (
	"maps"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/check"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
)

func (a *app) configCommand() *urfave.Command {
	return &urfave.Command{
		Name:        "config",
		Aliases:     []string{"show-config"},
		Usage:       "print the settings of a run, with secrets redacted",
		ArgsUsage:   "FILE",
		Description: "Variables are replaced and defaults filled in. Variables that are not set are listed.",
		Action:      a.configAction,
	}
}

type settingLine struct {
	Path  string `json:"path"`
	Value string `json:"value"`
}

func (a *app) configAction(c *urfave.Context) error {
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	f, err := a.load(c.Context, c, path, loading{lenient: true, unpinned: true})
	if err != nil {
		return err
	}
	d := f.Definition
	var all []settingLine
	add := func(prefix string, spec any) {
		for _, v := range config.Values(spec) {
			all = append(all, settingLine{prefix + v.Path, v.Text})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.File.Vars)) {
		all = append(all, settingLine{"vars." + name, d.File.Vars[name]})
	}
	add("source."+d.Source.Name+".", d.SourceCfg)
	if d.ModelCfg != nil {
		add(d.ModelPath(), d.ModelCfg)
	}
	add("permissions.", d.PermissionsCfg)
	add("sink."+d.Sink.Name+".", d.SinkCfg)
	add("guards.", &d.File.Guards)
	add("limits.", &d.File.Limits)
	if d.Notify != nil {
		add("notify.", d.Notify)
	}
	if c.Bool("json") {
		return a.printJSON(map[string]any{"settings": all, "variables": check.Variables(d)}, nil)
	}
	var rows [][]string
	for _, s := range all {
		rows = append(rows, []string{s.Path, s.Value})
	}
	st := a.colors(c)
	display.Fprintln(a.Stdout, print.Grid([]string{"setting", "value"}, rows, 2, st))
	rows = nil
	for _, v := range d.Variables {
		state := "not set"
		switch {
		case v.Set:
			state = "set"
		case v.HasDefault:
			state = "not set, has a default"
		}
		rows = append(rows, []string{v.Name, state})
	}
	display.Fprintf(a.Stdout, "\n%s\n", print.Grid([]string{"variable", "state"}, rows, 2, st))
	return nil
}
