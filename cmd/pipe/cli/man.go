package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/job"
)

// manCommand is hidden: packages need it once, when they are built.
func (a *app) manCommand() *urfave.Command {
	return &urfave.Command{
		Name:   "man",
		Usage:  "print the manual page of pipe, in section 1",
		Hidden: true,
		Action: func(c *urfave.Context) error {
			display.Fprint(a.Stdout, display.Block(display.Whole(manPage(c.App, a.globalFlags(), version.Current()))))
			return nil
		},
	}
}

// exitStatus describes the exit codes, by job.Class.
var exitStatus = []string{
	job.Done:        "Done.",
	job.Failed:      "Failed; another try may help.",
	job.Wrong:       "The pipeline file or the call is wrong.",
	job.Rejected:    "Done, some records were rejected.",
	job.Refused:     "Refused by a guard; a person must look.",
	job.Changes:     "diff or datasource plan found changes, or verify an exposure.",
	job.Held:        "Another run holds the datasource.",
	job.Unconfirmed: "Sent, but Glean has paused a deletion, lost the upload or not confirmed.",
}

// manPage returns the manual page of the program in roff, from the texts of its commands.
func manPage(app *urfave.App, everywhere []urfave.Flag, v version.Info) string {
	var b strings.Builder
	date := ""
	if at, err := time.Parse(time.RFC3339, v.Date); err == nil {
		date = at.UTC().Format(time.DateOnly)
	}
	fmt.Fprintf(&b, ".TH %s 1 %q %q\n", strings.ToUpper(app.Name), date, app.Name+" "+v.Version)
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(app.Name), roff(app.Usage))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n.I COMMAND\n.RI [ OPTIONS ]\n.RI [ FILE ...]\n", roff(app.Name))
	b.WriteString(".SH COMMANDS\n")
	manCommands(&b, app.Name, app.Commands)
	b.WriteString(".SH GLOBAL OPTIONS\nEvery command takes these.\n")
	manFlags(&b, everywhere)
	b.WriteString(".SH EXIT STATUS\n")
	for code, text := range exitStatus {
		fmt.Fprintf(&b, ".TP\n.B %d\n%s\n", code, roff(text))
	}
	b.WriteString(".TP\n.BR 129 ,\\  130 ,\\  131 ,\\  143\nStopped by SIGHUP, SIGINT, SIGQUIT or SIGTERM.\n")
	return b.String()
}

func manCommands(b *strings.Builder, parent string, commands []*urfave.Command) {
	for _, cmd := range commands {
		if cmd.Hidden || cmd.Name == "help" {
			continue
		}
		name := parent + " " + cmd.Name
		if len(cmd.Subcommands) > 0 {
			manCommands(b, name, cmd.Subcommands)
		}
		if isGroup(cmd) {
			continue
		}
		fmt.Fprintf(b, ".SS %s\n%s.\n", roff(strings.TrimSpace(name+" "+cmd.ArgsUsage)), roff(firstUpper(cmd.Usage)))
		if cmd.Description != "" {
			fmt.Fprintf(b, ".PP\n%s\n", roff(cmd.Description))
		}
		manFlags(b, slices.DeleteFunc(slices.Clone(cmd.Flags), func(f urfave.Flag) bool {
			in, ok := f.(urfave.CategorizableFlag)
			return ok && in.GetCategory() == everywhere
		}))
	}
}

func manFlags(b *strings.Builder, flags []urfave.Flag) {
	for _, f := range flags {
		doc, ok := f.(urfave.DocGenerationFlag)
		if v, can := f.(urfave.VisibleFlag); !ok || can && !v.IsVisible() {
			continue
		}
		usage, value := doc.GetUsage(), "VALUE"
		if m := quotedWord.FindStringSubmatch(usage); m != nil {
			value = m[1]
		}
		fmt.Fprintf(b, ".TP\n\\fB\\-\\-%s\\fP", roff(f.Names()[0]))
		if doc.TakesValue() {
			fmt.Fprintf(b, " \\fI%s\\fP", roff(value))
		}
		usage = strings.ReplaceAll(usage, "`", "")
		if d := doc.GetDefaultText(); doc.TakesValue() && d != "" && d != `""` && !strings.Contains(usage, "default") {
			usage += " (default: " + strings.Trim(d, `"`) + ")"
		}
		fmt.Fprintf(b, "\n%s\n", roff(usage))
	}
}

// quotedWord matches the name that the text of a flag has for its value.
var quotedWord = regexp.MustCompile("`([^`]+)`")

// roff escapes a text for a manual page; each of its lines stays a line.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

func firstUpper(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
