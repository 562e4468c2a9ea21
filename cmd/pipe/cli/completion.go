package cli

import (
	"bytes"
	"slices"
	"strings"
	"text/template"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/pipeline"
)

func (a *app) completionCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "completion",
		Usage:     "print a script for completion in a shell",
		ArgsUsage: strings.Join(shells(), "|"),
		Description: a.ofProgram("bash: add `source <(pipe completion bash)` to ~/.bashrc.\n" +
			"zsh: pipe completion zsh > \"${fpath[1]}/_pipe\", and start a new shell.\n" +
			"fish: pipe completion fish > ~/.config/fish/completions/pipe.fish."),
		Action: a.completionAction,
	}
}

func shells() []string { return []string{"bash", "zsh", "fish"} }

func (a *app) completionAction(c *urfave.Context) error {
	shell := c.Args().First()
	if !slices.Contains(shells(), shell) || c.Args().Len() > 1 {
		return usage{a.ofProgram("pipe completion needs the name of a shell"),
			a.ofProgram("write pipe completion bash, zsh or fish")}
	}
	all, err := template.New("").Funcs(template.FuncMap{"quote": quoted, "colon": beforeColon}).ParseFS(templates,
		"templates/completion/*.tmpl")
	if err != nil {
		return err
	}
	var script bytes.Buffer
	name := a.program().Name
	if err := all.ExecuteTemplate(&script, shell+".tmpl", completion{name, strings.ReplaceAll(name, "-", "_"),
		a.places(c.App)}); err != nil {
		return err
	}
	_, err = a.Stdout.(*writer).whole().Write(script.Bytes())
	return err
}

// completion is what the script of a shell is made of.
type completion struct {
	Name, Func string // of the program, and what names of functions in bash and fish have of it
	Places     []place
}

// place is where in a call something is completed: at its start, or after a
// command.
type place struct {
	Path     string // the words of the command, "" at the start
	Commands []suggestion
	Flags    []suggestion
	Words    []string // what the command takes; files when there are none
}

// suggestion is a command or a flag.
type suggestion struct {
	Name, Usage string
	Takes       bool     // a flag with a value
	Values      []string // the values, when they are known; files else
	Asked       bool     // the values are candidates of the file and the state folder
}

// places are all of them, the start first.
func (a *app) places(c *urfave.App) []place {
	start := place{Commands: []suggestion{{Name: "help", Usage: "list the commands"}}}
	out := []place{start}
	var walk func(at int, path []string, commands []*urfave.Command)
	walk = func(at int, path []string, commands []*urfave.Command) {
		for _, cmd := range commands {
			if cmd.Hidden || cmd.Name == "help" {
				continue
			}
			out[at].Commands = append(out[at].Commands, suggestion{Name: cmd.Name, Usage: cmd.Usage})
			words := append(slices.Clone(path), cmd.Name)
			out = append(out, place{Path: strings.Join(words, " "), Flags: a.flagsOf(cmd), Words: a.wordsOf(cmd.Name)})
			walk(len(out)-1, words, cmd.Subcommands)
		}
	}
	walk(0, nil, c.Commands)
	return out
}

func (a *app) flagsOf(cmd *urfave.Command) []suggestion {
	var out []suggestion
	for _, f := range cmd.Flags {
		s := suggestion{Name: f.Names()[0], Values: a.valuesOf(f.Names()[0]),
			Asked: slices.Contains([]string{"only", "ref"}, f.Names()[0])}
		if d, ok := f.(urfave.DocGenerationFlag); ok {
			s.Usage, s.Takes = strings.ReplaceAll(d.GetUsage(), "`", ""), d.TakesValue()
		}
		out = append(out, s)
	}
	return out
}

// valuesOf are the values that a flag takes, nil when they are not a few words.
func (a *app) valuesOf(flag string) []string {
	switch flag {
	case "progress":
		return []string{"auto", "bar", "plain", "json", "none"}
	case "log-level":
		return []string{"debug", "info", "warning", "error"}
	case "log-format":
		return []string{"text", "json"}
	case "lang":
		return []string{"go", "python"}
	case "explain":
		var out []string
		for _, c := range Codes() {
			out = append(out, c.Name)
		}
		return out
	}
	return nil
}

// wordsOf is what a command takes that takes no file.
func (a *app) wordsOf(command string) []string {
	var out []string
	switch command {
	case "completion":
		return shells()
	case "components":
		for _, p := range pipeline.Components(a.Registry) {
			out = append(out, p.Name)
		}
	case "functions":
		for _, f := range pipeline.Functions(a.Registry) {
			out = append(out, f.Name)
		}
	}
	return out
}

// quoted is a text in single quotes, for every shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// beforeColon is a text that ends where zsh's descriptions have a colon.
func beforeColon(text string) string { return strings.ReplaceAll(text, ":", `\:`) }
