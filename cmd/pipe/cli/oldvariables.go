package cli

import (
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/connector"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// deciding are the commands that refuse a variable of the Python connector which they would
// ignore: those that publish, and those that report whether that would succeed. The others
// only show, or remove documents.
var deciding = []string{"run", "check", "doctor", "push", "purge", "process", "datasource plan", "datasource apply"}

// oldVariables adds the variables of the Python connector that the call would
// ignore to the problems of a file.
func (a *app) oldVariables(c *urfave.Context, d *pipeline.Definition) {
	command := commandName(c)
	if !slices.Contains(deciding, command) || d.SourceCfg == nil || d.SinkCfg == nil {
		return
	}
	checks := command == "check"
	dry := c.Bool("dry-run")
	s := connector.Situation{
		Lookup: a.lookup, Reads: d.Named, Settings: map[string]string{},
		Pair:      d.Source.Name == "backstage" && d.Sink.Name == "glean",
		Command:   command,
		Publishes: !dry && !slices.Contains([]string{"datasource plan", "doctor"}, command),
		DryRuns:   hasFlag(c.Command, "dry-run") || checks,
		Output:    c.IsSet("output"),
	}
	if checks {
		s.Command = "run"
	}
	for _, one := range []struct {
		prefix string
		cfg    any
	}{{"source", d.SourceCfg}, {"sink", d.SinkCfg}, {"permissions", d.PermissionsCfg}} {
		if one.cfg == nil {
			continue
		}
		for _, v := range config.Values(one.cfg) {
			s.Settings[one.prefix+"."+v.Path] = v.Text
		}
	}
	for _, path := range replacedPaths(c) {
		delete(s.Settings, path)
	}
	for _, f := range connector.Check(s) {
		d.Problems = append(d.Problems, config.Problem{
			Pos: config.Pos{File: a.setIn(f.As)}, Code: connector.Code, Message: f.Message, Hint: f.Hint,
			Warning: checks && f.Flag, // the flag belongs to the next call
		})
	}
}

// setIn returns where a variable is set: the environment, or a line of .env.
func (a *app) setIn(name string) string {
	if _, ok := a.Env(name); ok || a.envFile == nil {
		return "environment"
	}
	return fmt.Sprintf("%s:%d", a.envFile.Path, a.envFile.Line(name))
}

// replacedPaths are the settings that the servers of --sandbox replace, with those derived
// from them.
func replacedPaths(c *urfave.Context) []string {
	if !c.Bool("sandbox") {
		return nil
	}
	return []string{"source.url", "source.ui_url", "sink.instance", "sink.server_url", "sink.datasource.homeUrl",
		"sink.datasource.urlRegex"}
}

// commandName is the command without the name of the program.
func commandName(c *urfave.Context) string { return strings.TrimPrefix(c.Command.HelpName, "pipe ") }
