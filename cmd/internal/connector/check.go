package connector

import (
	"fmt"
	"slices"
	"strings"
)

// Situation is what the variables are compared with.
type Situation struct {
	// Lookup is the value of a variable, from the environment or .env.
	Lookup func(name string) (string, bool)
	// Reads are the variables that the pipeline file names. They have the file's meaning,
	// except that nothing is published with DRY_RUN=true.
	Reads []string
	// Pair means that the file reads Backstage and fills Glean, as the connector does.
	Pair bool
	// Settings are the effective settings of the file by path, such as
	// sink.datasource.homeUrl. A text that has no value counts as unknown.
	Settings map[string]string
	// Command is the command without the name of the program, such as run.
	Command string
	// Publishes means that the call changes what people find.
	Publishes bool
	// DryRuns means that the command has a flag --dry-run.
	DryRuns bool
	// Output means that the call writes what would be sent to a folder.
	Output bool
}

// Code is the code of the problem that a Finding is.
const Code = "old-variable"

// Finding is a variable that is set and that the call would ignore. It quotes no
// value of a variable.
type Finding struct {
	Name string
	// As is the name as it was set, perhaps in lower case.
	As            string
	Message, Hint string
	// Flag means that a flag of the call replaces the variable.
	Flag bool
}

// Check reports the variables that the call would ignore, in the order of the names.
func Check(s Situation) []Finding {
	var out []Finding
	add := func(name, message, hint string) {
		_, as, _ := s.value(name)
		out = append(out,
			Finding{Name: name, As: as, Message: as + " " + message, Hint: hint, Flag: name == dryRun || name == outputJSON})
	}
	if on, set := s.flag(dryRun, add); set && on && s.Publishes {
		hint := "unset " + dryRun + " to let it: the command has no dry run"
		if s.DryRuns {
			hint = "add --dry-run, or unset " + dryRun
		}
		add(dryRun, "is true, but pipe "+s.Command+" would change what people find", hint)
	}
	if on, set := s.flag(outputJSON, add); set && on && s.Command == "run" && !s.Output && s.Pair &&
		!slices.Contains(s.Reads, outputJSON) {
		dir := "DIR"
		if _, _, ok := s.value(outputDir); ok {
			dir = "with the folder of " + outputDir
		}
		add(outputJSON, "is true, but this run writes no files", "add --output "+dir+", or unset "+outputJSON)
	}
	if s.Pair {
		for _, one := range settings {
			s.compare(one, add)
		}
	}
	slices.SortFunc(out, func(a, b Finding) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// value is a variable under its name in capitals or, as pydantic also reads it, in
// small letters.
func (s Situation) value(name string) (value, as string, ok bool) {
	for _, n := range []string{name, strings.ToLower(name)} {
		if v, ok := s.Lookup(n); ok && strings.TrimSpace(v) != "" {
			return strings.TrimSpace(v), n, true
		}
	}
	return "", name, false
}

// flag is a variable that switches something on. set is false when it is empty or
// reported.
func (s Situation) flag(name string, add func(name, message, hint string)) (on, set bool) {
	v, _, ok := s.value(name)
	if !ok {
		return false, false
	}
	on, known := truth(v)
	if !known {
		add(name, "is neither true nor false", "write true or false, or unset it")
	}
	return on, known
}

// truth reads a boolean as pydantic does.
func truth(v string) (value, known bool) {
	switch strings.ToLower(v) {
	case "true", "1", "yes", "on", "t", "y":
		return true, true
	case "false", "0", "no", "off", "f", "n":
		return false, true
	}
	return false, false
}

// compare reports a variable that differs from its setting.
func (s Situation) compare(one setting, add func(name, message, hint string)) {
	v, _, ok := s.value(one.name)
	if !ok || slices.Contains(s.Reads, one.name) {
		return
	}
	have, known := s.Settings[one.path]
	if !known || have == "" {
		have = one.absent
	}
	switch one.means {
	case boolean:
		on, known := truth(v)
		if !known {
			add(one.name, "is neither true nor false", "write true or false, or unset it")
			return
		}
		v = fmt.Sprint(on)
	case emails:
		if on, set := s.testMode(); set && !on {
			return // without the test mode the connector passes over them
		}
		if v, have = sorted(v), sorted(s.testers()); v != have {
			add(one.name, "is not read: the testers come from the pipeline file", "write "+one.write+", or unset it")
		}
		return
	case icon:
		if have == "" {
			add(one.name, "is not read, and the pipeline file names no icon", "write "+one.write+", or unset it")
		}
		return
	case address:
		v, have = strings.TrimRight(v, "/"), strings.TrimRight(have, "/")
	case pattern:
		v, have = strings.ReplaceAll(v, `\.`, "."), strings.ReplaceAll(have, `\.`, ".")
	}
	if have == "" && !strings.HasPrefix(one.path, "sink.datasource.icon") || strings.EqualFold(v, have) {
		return
	}
	message := "is not read, and the pipeline file has another value"
	if one.means == boolean {
		message = fmt.Sprintf("is %s, but the pipeline file has %s", v, have)
	}
	add(one.name, message, "write "+one.write+", or unset it")
}

func (s Situation) testMode() (on, set bool) {
	return s.flag("GLEAN_DATASOURCE_IS_TEST_MODE", func(string, string, string) {})
}

// testers returns the file's testers, separated by commas.
func (s Situation) testers() string {
	var out []string
	for path, v := range s.Settings {
		if strings.HasPrefix(path, "sink.datasource.testers.") {
			out = append(out, v)
		}
	}
	return strings.Join(out, ",")
}

// sorted is a list of addresses in one order and one case.
func sorted(list string) string {
	var out []string
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.ToLower(strings.TrimSpace(one)); one != "" {
			out = append(out, one)
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ",")
}
