// Package check reports what is wrong with pipeline and test files, in the form that front ends
// print. It follows engine/pipeline and engine/suite, which find the problems.
package check

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/quickfix"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/suite"
)

// Result is the check of one file.
type Result struct {
	File      string     `json:"file"`
	OK        bool       `json:"ok"`
	Problems  []Problem  `json:"problems"`
	Variables []Variable `json:"variables"`
	// SinkMissing are settings of the sink whose variables are not set.
	SinkMissing []string `json:"sink_missing"`
}

// Problem is one problem of a file, or a warning.
type Problem struct {
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning,omitempty"`
	// Fixes are the changes that end the problem; see Result.AddFixes.
	Fixes []quickfix.Fix `json:"fixes,omitempty"`
}

// Variable is a variable that a file uses.
type Variable struct {
	Name    string `json:"name"`
	Set     bool   `json:"set"`
	Default bool   `json:"default"`
	Secret  bool   `json:"secret"`
}

// Pipeline returns the check of a loaded pipeline file.
func Pipeline(path string, d *pipeline.Definition) Result {
	out := result(path, d.Problems)
	out.SinkMissing = sinkMissing(d)
	out.Variables = Variables(d)
	return out
}

// Variables returns the variables of a loaded pipeline file.
func Variables(d *pipeline.Definition) []Variable {
	out := make([]Variable, 0, len(d.Variables))
	for _, v := range d.Variables {
		out = append(out, Variable{v.Name, v.Set, v.HasDefault, v.Secret})
	}
	return out
}

// Tests returns the check of a loaded test file with its pipeline. problems are those of loading
// the file, and the result has those of its expectations, too.
func Tests(path string, f *suite.File, problems config.Problems, o suite.Options) (Result, config.Problems) {
	if !problems.HasErrors() {
		_, broken, more := f.Prepare(o)
		problems = append(problems, more...)
		if broken != nil {
			problems = append(problems, config.Problem{Pos: config.Pos{File: path, Line: 1, Col: 1}, Code: "pipeline",
				Message: "the pipeline that it tests has problems",
				Hint:    "pipe check " + f.PipelinePath() + " shows where"})
		}
	}
	return result(path, problems), problems
}

func result(path string, problems config.Problems) Result {
	out := Result{File: path, OK: !problems.HasErrors(), Problems: []Problem{}, Variables: []Variable{}}
	for _, p := range problems {
		out.Problems = append(out.Problems, Problem{Line: p.Line, Col: p.Col, Code: p.Code, Message: p.Message, Hint: p.Hint,
			Warning: p.Warning})
	}
	return out
}

// AddFixes adds the fixes of the problems that the result is about.
func (r *Result) AddFixes(problems config.Problems, of func(config.Problem) []quickfix.Fix) {
	for i := range r.Problems {
		r.Problems[i].Fixes = of(problems[i])
	}
}

// Warned reports whether a file has a warning.
func Warned(all []Result) bool {
	return slices.ContainsFunc(all, func(one Result) bool {
		return slices.ContainsFunc(one.Problems, func(p Problem) bool { return p.Warning })
	})
}

// sinkMissing returns the settings that the sink requires, each with its variables in the
// file. A secret that was not read counts as set.
func sinkMissing(d *pipeline.Definition) []string {
	var out []string
	for _, m := range d.SinkMissing {
		var from []string
		skipped := false
		for word := range strings.FieldsSeq(m) {
			n := d.Document.Root().Get("sink").Get(d.Sink.Name).Get(word)
			if name := n.Variable(); name != "" {
				from = append(from, name)
			}
			skipped = skipped || d.Skipped(n)
		}
		if skipped {
			continue
		}
		if len(from) > 0 {
			m += " (" + strings.Join(from, " or ") + ")"
		}
		out = append(out, m)
	}
	return out
}
