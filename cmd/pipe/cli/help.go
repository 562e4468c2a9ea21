package cli

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/display"
)

// groups are the parts of the help, in the order of a person's first days.
func groups() []Group {
	return []Group{
		{"Start", []string{"init", "check", "doctor", "datasource", "run"}},
		{"Every night", []string{"serve", "trigger", "status", "approve", "adopt", "audit", "state"}},
		{"Reach another network", []string{"agent", "hub"}},
		{"Change a mapping", []string{"play", "explain", "eval", "diff", "preview", "verify", "test", "show", "functions",
			"components", "mcp"}},
		{"Operate the index", []string{"hide", "push", "process", "purge", "token"}},
		{"More", []string{"lsp", "sandbox", "secret", "login", "plugin", "config", "schema", "completion", "version"}},
	}
}

// exampleCalls are two calls of each command, which the help shows.
func exampleCalls() map[string][]string {
	const file = " pipelines/backstage.yaml"
	return map[string][]string{
		"init":  {"pipe init", "pipe init --yes --tester ann@example.com catalog"},
		"check": {"pipe check" + file, "pipe check --explain unknown-name"},
		"doctor": {"pipe doctor" + file,
			"pipe doctor --sandbox" + file},
		"run":    {"pipe run --dry-run --output out" + file, "pipe run" + file},
		"status": {"pipe status" + file, "pipe status" + file + " component:default/payments"},
		"approve": {"pipe approve" + file + " aaaaaaaaaaaa",
			"pipe approve --reason 'team left' " + file[1:] + " aaaaaaaaaaaa"},
		"adopt": {"pipe adopt" + file, "pipe adopt --progress none" + file},
		"audit who": {"pipe audit who" + file + " component:default/payments",
			"pipe audit who --at 2026-06-03" + file + " api:default/ledger"},
		"audit what": {"pipe audit what" + file + " ann@example.com",
			"pipe audit what --at 2026-06-03" + file + " ann@example.com"},
		"state show":   {"pipe state show" + file, "pipe state show --state /var/lib/pipe" + file},
		"state export": {"pipe state export" + file, "pipe state export" + file + " catalog-state.tar.gz"},
		"state import": {"pipe state import" + file + " catalog-state.tar.gz",
			"pipe state import --state /var/lib/pipe" + file + " catalog-state.tar.gz"},
		"explain": {"pipe explain" + file + " payments",
			"pipe explain --sandbox" + file + " fraud-scorer --as liam.obrien@larkspur.example"},
		"eval": {"pipe eval" + file + " 'upper(metadata.name)' --ref payments",
			"pipe eval --sandbox" + file + " owner"},
		"diff":       {"pipe diff" + file, "pipe diff --against out" + file},
		"mcp":        {"pipe mcp", "pipe mcp --live" + file + " --inspect"},
		"play":       {"pipe play" + file, "pipe play --read-only" + file},
		"preview":    {"pipe preview" + file, "pipe preview --sandbox" + file},
		"test":       {"pipe test" + file, "pipe test --update" + file},
		"show":       {"pipe show" + file + " components", "pipe show --sandbox" + file + " teams"},
		"functions":  {"pipe functions", "pipe functions related"},
		"components": {"pipe components", "pipe components permissions"},
		"hide": {"pipe hide" + file + " component:default/payments",
			"pipe hide --unhide" + file + " component:default/payments"},
		"push": {"pipe push" + file + " component:default/payments",
			"pipe push" + file + " api:default/ledger group:default/payments"},
		"process":      {"pipe process" + file, "pipe process --json" + file},
		"purge":        {"pipe purge" + file, "pipe purge --yes backstage" + file},
		"token rotate": {"pipe token rotate" + file, "pipe token rotate --json" + file},
		"secret init":  {"pipe secret init" + file, "pipe secret init --json" + file},
		"secret set": {"pipe secret set" + file + " backstage-token --for https://backstage.example.com",
			"pipe secret set" + file + " glean-token < token.txt"},
		"secret list": {"pipe secret list" + file, "pipe secret list --json" + file},
		"secret remove": {"pipe secret remove" + file + " backstage-token",
			"pipe secret remove --json" + file + " glean-token"},
		"secret rekey":          {"pipe secret rekey" + file, "pipe secret rekey --new-identity new.key" + file},
		"login":                 {"pipe login" + file, "pipe login" + file + " --name portal-login"},
		"datasource plan":       {"pipe datasource plan" + file, "pipe datasource plan --replace" + file},
		"datasource apply":      {"pipe datasource apply" + file, "pipe datasource apply --yes" + file},
		"datasource export":     {"pipe datasource export" + file, "pipe datasource export" + file + " exported"},
		"datasource categories": {"pipe datasource categories", "pipe datasource categories --json"},
		"verify": {"pipe verify" + file + " --token-file ann.token",
			"pipe verify" + file + " --token-file ann.token --token-file ben.token"},
		"serve":          {"pipe serve" + file, "pipe serve --sandbox" + file},
		"serve link":     {"pipe serve link", "pipe serve link --state /var/lib/pipe"},
		"serve sign-out": {"pipe serve sign-out ann@example.com", "pipe serve sign-out --all"},
		"serve token add": {"pipe serve token add ci --role trigger --pipeline catalog",
			"pipe serve token add ann --person --role approve --expires 90d"},
		"serve token list":   {"pipe serve token list", "pipe serve token list --json"},
		"serve token revoke": {"pipe serve token revoke 3f9a01bc", "pipe serve token revoke --json 3f9a01bc"},
		"agent run":          {"pipe agent run AGENT.yaml", "pipe agent run AGENT.yaml --log-format json"},
		"agent check":        {"pipe agent check AGENT.yaml", "pipe agent check AGENT.yaml --json"},
		"agent pause":        {"pipe agent pause AGENT.yaml", "pipe agent pause /etc/pipe/AGENT.yaml"},
		"agent resume":       {"pipe agent resume AGENT.yaml", "pipe agent resume /etc/pipe/AGENT.yaml"},
		"agent key":          {"pipe agent key agent.key", "pipe agent key /etc/pipe/agent.key"},
		"agent token":        {"pipe agent token", "pipe agent token --json"},
		"agent audit verify": {"pipe agent audit verify audit.jsonl", "pipe agent audit verify audit.jsonl --head " +
			"MARK"},
		"hub run":   {"pipe hub run HUB.yaml", "pipe hub run HUB.yaml --log-format json"},
		"hub check": {"pipe hub check HUB.yaml", "pipe hub check /etc/pipe/HUB.yaml"},
		"lsp":       {"pipe lsp", "pipe lsp --stdio"},
		"trigger": {"pipe trigger backstage --wait",
			"pipe trigger --server https://pipe.example.com --token-file token backstage"},
		"sandbox":         {"pipe sandbox" + file, "pipe sandbox --catalog entities.json" + file},
		"plugin list":     {"pipe plugin list" + file, "pipe plugin list --allow-unpinned" + file},
		"plugin describe": {"pipe plugin describe out/tidy/tidy", "pipe plugin describe /usr/bin/python3 redact.py"},
		"plugin checksum": {"pipe plugin checksum out/tidy/tidy", "pipe plugin checksum /usr/bin/python3 redact.py"},
		"plugin try": {"pipe plugin try --example out/tidy/tidy",
			"pipe plugin try out/tidy/tidy < records.ndjson"},
		"plugin new": {"pipe plugin new tidy", "pipe plugin new tidy --lang python --dir out/tidy"},
		"config":     {"pipe config" + file, "pipe config --json" + file},
		"schema":     {"pipe schema > schema.json", "pipe schema --tests > test.schema.json"},
		"completion": {"pipe completion bash", "pipe completion zsh > _pipe"},
		"version":    {"pipe version", "pipe version --json"},
	}
}

// isGroup reports whether a command only has subcommands and does nothing itself.
func isGroup(cmd *urfave.Command) bool { return len(cmd.Subcommands) > 0 && cmd.ArgsUsage == "" }

// helpOf is the command that a call asks help for, nil for the program itself. A command
// that does nothing without a subcommand shows its help, too.
func (p parsed) helpOf() (topic *urfave.Command, asked bool) {
	topic = p.command()
	switch {
	case len(p.words) > 0 && !p.askedHelp:
		return nil, false
	case len(p.words) > 0 && topic == nil: // there is no such command
		return nil, false
	}
	return topic, p.askedHelp || topic == nil && len(p.options) == 0 || topic != nil && isGroup(topic) &&
		len(p.words) == 0
}

// printHelp explains a command, or the program when it is nil.
func (a *app) printHelp(topic *urfave.Command, name string) {
	h := &helpPage{width: min(a.Stdout.(*writer).width(), proseWidth)}
	if topic == nil {
		a.programHelp(h)
	} else {
		h.command(a.program(), topic, name)
	}
	display.Fprintf(a.Stdout, "%s", display.Block(display.Whole(h.text.String())))
}

func (a *app) programHelp(h *helpPage) {
	p := a.program()
	h.paragraph(p.About)
	h.line(p.Call)
	for _, g := range p.Groups {
		var rows [][2]string
		for _, name := range g.Names {
			if cmd := a.commandOf(name); cmd != nil {
				rows = append(rows, [2]string{name, cmd.Usage})
			}
		}
		h.table(g.Title, rows)
	}
	h.table("Options of every command", options(a.globalFlags()))
	h.line("")
	h.paragraph(p.Notes)
	h.line(p.Name + " COMMAND --help explains a command and shows examples.")
}

// helpPage is text that is wrapped at a width.
type helpPage struct {
	text  strings.Builder
	width int
}

func (h *helpPage) line(text string) { fmt.Fprintln(&h.text, text) }

// wrapped writes text in lines of the page's width.
func (h *helpPage) wrapped(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		for _, part := range display.Wrap(line, h.width) {
			h.line(strings.TrimRight(part, " "))
		}
	}
}

// paragraph writes text and an empty line.
func (h *helpPage) paragraph(text string) {
	h.wrapped(text)
	h.line("")
}

// table writes rows of a name and a text under a title.
func (h *helpPage) table(title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	h.line("\n" + title)
	column := 0
	for _, row := range rows {
		if n := utf8.RuneCountInString(row[0]); n <= mostName {
			column = max(column, n)
		}
	}
	for _, row := range rows {
		name := row[0]
		if utf8.RuneCountInString(name) > column {
			h.line("  " + name)
			name = ""
		}
		h.wrapped(fmt.Sprintf("  %-*s  %s", column, name, row[1]))
	}
}

// mostName is how wide the column of names may become; a longer name has a line of its
// own.
const mostName = 22

// command writes the help of one command; name is its whole name, as "plugin new".
func (h *helpPage) command(p *Program, cmd *urfave.Command, name string) {
	h.paragraph(p.Name + " " + name + ": " + cmd.Usage)
	usage := "Usage: " + p.Name + " " + name
	if isGroup(cmd) {
		usage += " COMMAND"
	}
	if cmd.ArgsUsage != "" {
		usage += " " + cmd.ArgsUsage
	}
	usage += " [OPTIONS]"
	h.wrapped(usage)
	if cmd.Description != "" {
		h.line("")
		h.wrapped(cmd.Description)
	}
	var rows [][2]string
	for _, sub := range cmd.Subcommands {
		if !sub.Hidden {
			rows = append(rows, [2]string{sub.Name, sub.Usage})
		}
	}
	h.table("Commands", rows)
	if all := p.Examples[name]; len(all) > 0 {
		h.line("\nExamples")
		for _, example := range all {
			h.line("  " + example)
		}
	}
	own := slices.DeleteFunc(slices.Clone(cmd.Flags), func(f urfave.Flag) bool {
		c, is := f.(urfave.CategorizableFlag)
		return is && c.GetCategory() == everywhere
	})
	h.table("Options", options(own))
	h.line("")
	h.line(p.Name + " help lists the options of every command.")
}

// options are flags with what they do.
func options(flags []urfave.Flag) (rows [][2]string) {
	for _, f := range flags {
		d, is := f.(urfave.DocGenerationFlag)
		if !is || slices.Contains(f.Names(), "help") {
			continue
		}
		placeholder, text := unquoted(d.GetUsage())
		name := "--" + f.Names()[0]
		if d.TakesValue() {
			if placeholder == "" {
				placeholder = "VALUE"
			}
			name += " " + placeholder
		}
		if value := d.GetValue(); d.TakesValue() && value != "" && value != `""` && value != "[]" &&
			!strings.Contains(text, "default") {
			text += " (default: " + strings.Trim(value, `"`) + ")"
		}
		rows = append(rows, [2]string{name, text})
	}
	return rows
}

// unquoted takes the placeholder of a flag's value, which is in back quotes, out of its
// text.
func unquoted(text string) (placeholder, plain string) {
	before, rest, found := strings.Cut(text, "`")
	if !found {
		return "", text
	}
	placeholder, after, _ := strings.Cut(rest, "`")
	return placeholder, before + placeholder + after
}
