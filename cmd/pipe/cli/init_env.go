package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// envExample is a file of every variable of a pipeline, each with its comment in the
// pipeline file: required variables to be filled in, the others as comments with their
// defaults.
func envExample(d *pipeline.Definition, text string) []byte {
	explained := explanations(text)
	var before []string
	var b strings.Builder
	fmt.Fprintf(&b, "# The variables of %s. Copy this file to .env, which pipe reads from the\n"+
		"# working directory, and keep .env out of version control: it holds secrets.\n"+
		"# What is set in the environment wins over it.\n", d.Document.Root().Pos().File)
	for _, needed := range []bool{true, false} {
		title := "These are required."
		if !needed {
			title = "These have the defaults shown; remove the # to change one."
		}
		fmt.Fprintf(&b, "\n# ---- %s\n", title)
		for _, v := range inOrder(d.Variables) {
			other := explained.either(v.Name)
			if (!v.HasDefault || other != "" || v.Secret && v.Default == "") != needed {
				continue
			}
			if lines := explained.of(v.Name); !slices.Equal(lines, before) { // also for the variables below it
				b.WriteString("\n")
				if eitherOr.MatchString(strings.Join(lines, " ")) {
					fmt.Fprintf(&b, "# One of these two: %s or %s.\n", v.Name, other)
				}
				for _, line := range lines {
					fmt.Fprintf(&b, "# %s\n", line)
				}
				before = lines
			}
			if needed {
				fmt.Fprintf(&b, "%s=\n", v.Name)
			} else {
				fmt.Fprintf(&b, "#%s=%s\n", v.Name, v.Default)
			}
		}
	}
	return []byte(b.String())
}

// inOrder are variables in the order in which the file first uses them.
func inOrder(all []config.Variable) []config.Variable {
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b config.Variable) int { return a.Pos.Line - b.Pos.Line })
	return out
}

// explanation is a comment `# NAME: text` with the comment lines that follow it. An … in the
// name matches any part of a name.
type explanation struct {
	name  string
	lines []string
}

type allExplanations []explanation

var (
	explanationStart = regexp.MustCompile(`#\s+([A-Z][A-Z0-9_…]*): (.*)$`)
	explanationMore  = regexp.MustCompile(`^\s*#\s(\s*\S.*)$`)
)

func explanations(text string) allExplanations {
	var out allExplanations
	open := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := explanationStart.FindStringSubmatch(line); m != nil {
			out = append(out, explanation{m[1], []string{m[2]}})
			open = strings.HasPrefix(strings.TrimSpace(line), "#")
			continue
		}
		if m := explanationMore.FindStringSubmatch(line); m != nil && open {
			last := &out[len(out)-1]
			last.lines = append(last.lines, strings.TrimRight(m[1], " "))
			continue
		}
		open = false
	}
	return out
}

// eitherOr matches the comment of a variable that can be replaced by another.
var eitherOr = regexp.MustCompile(`this or ([A-Z][A-Z0-9_]*) is needed`)

// either returns the variable that can replace name; "" for most.
func (all allExplanations) either(name string) string {
	for _, e := range all {
		m := eitherOr.FindStringSubmatch(strings.Join(e.lines, " "))
		switch {
		case m != nil && e.name == name:
			return m[1]
		case m != nil && m[1] == name:
			return e.name
		}
	}
	return ""
}

// of returns the explanation of a variable.
func (all allExplanations) of(name string) []string {
	for _, e := range all {
		before, after, pattern := strings.Cut(e.name, "…")
		if e.name == name ||
			pattern && len(name) > len(before)+len(after) && strings.HasPrefix(name, before) && strings.HasSuffix(name, after) {
			return e.lines
		}
	}
	return nil
}
