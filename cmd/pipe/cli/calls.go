package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// carriedFlags decide which source, datasource and state folder a call acts on,
// and which plugins it may start.
var carriedFlags = []string{"sandbox", "catalog", "env-file", "set", "state", "allow-unpinned"}

// callWithFile is a call in a text that has FILE for the pipeline file.
var callWithFile = regexp.MustCompile(`\bpipe ([a-z]+(?: [a-z]+)?(?: --[a-z-]+(?: ID)?)*) FILE\b`)

// printedCall is a call in a text, with its flags, its file and what follows that: a person
// copies it.
var printedCall = regexp.MustCompile(`\bpipe [a-z]+(?: [a-z]+)?(?: --[a-z-]+(?:[= ](?:'[^']*'|[^\s,;'-][^\s,;]*))?)*` +
	` \S+\.ya?ml\b(?: (?:REF\b|--[a-z-]+(?:=[^\s,;]+)?|[a-z2-7]{12}\b|[a-z]+:[^\s,;]+))*`)

// unbroken are the parts of a line that are not broken at their blanks: calls, and numbers
// with their units.
var unbroken = regexp.MustCompile(printedCall.String() + `|\d (?:%|[KMGT]?i?B\b)`)

// named returns text with FILE replaced by the pipeline file of this call and its flags that
// the command accepts.
func (a *app) named(text string) string {
	if a.file == "" {
		return text
	}
	return callWithFile.ReplaceAllStringFunc(text, func(found string) string {
		head := callWithFile.FindStringSubmatch(found)[1]
		if cmd := a.commandOf(head); cmd == nil || !strings.HasPrefix(cmd.ArgsUsage, "FILE") {
			return found
		}
		return a.call(head)
	})
}

// call returns a command for this call's pipeline file: head is the name of a command with
// its flags, such as "run --dry-run". It adds the flags of this call that decide what the
// command acts on.
func (a *app) call(head string) string {
	return a.callWith(head, func(name string) bool { return slices.Contains(carriedFlags, name) })
}

// callWith is call with the flags of this call that carried accepts.
func (a *app) callWith(head string, carried func(name string) bool) string {
	words := []string{"pipe", head}
	if cmd := a.commandOf(head); cmd != nil {
		for _, f := range cmd.Flags {
			if name := f.Names()[0]; carried(name) && a.given.IsSet(name) {
				words = append(words, givenFlag(a.given, name)...)
			}
		}
	}
	return strings.Join(append(words, shellWord(a.file)), " ")
}

// rerun returns the command that allows a refused run, with the flags of this call that
// decide what the run does.
func (a *app) rerun(id string) string {
	if a.allowing != "" {
		return a.allowing + " " + id
	}
	return a.callWith("run --approve "+id, func(name string) bool { return !slices.Contains(onceFlags, name) })
}

// onceFlags are flags of pipe run that do not change what is published.
var onceFlags = []string{"approve", "dry-run", "output", "report", "metrics-file", "html", "progress", "json",
	"log-level", "log-format", "no-color"}

// commandOf returns the command that head names, nil when there is none.
func (a *app) commandOf(head string) *urfave.Command {
	commands := a.commands
	var found *urfave.Command
	for word := range strings.FieldsSeq(head) {
		i := slices.IndexFunc(commands, func(cmd *urfave.Command) bool { return cmd.HasName(word) })
		if i < 0 {
			break
		}
		found, commands = commands[i], commands[i].Subcommands
	}
	return found
}

// givenFlag returns a flag that the call sets as words for a shell.
func givenFlag(c *urfave.Context, name string) []string {
	switch value := c.Value(name).(type) {
	case bool:
		if value {
			return []string{"--" + name}
		}
		return nil
	case urfave.StringSlice:
		var words []string
		for _, v := range value.Value() {
			words = append(words, "--"+name, shellWord(v))
		}
		return words
	case *waitValue:
		return []string{"--" + name + "=" + value.String()}
	default:
		return []string{"--" + name, shellWord(fmt.Sprint(value))}
	}
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellWord quotes a word that a shell would interpret.
func shellWord(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return quoted(word)
}
