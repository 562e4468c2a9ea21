package pipeline

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
)

// proposable are the keys of a file that only decide what is made of records. Nothing in them
// names an address, a credential, a file or a program, except for transforms that run a
// program. The keys of a sink may name a file, such as an icon.
var proposable = []string{"vars", "define", "transforms", "mapping", "permissions"}

// Propose loads a trusted file with parts of a proposed file in place of its own: vars, define,
// transforms, mapping, permissions, and the keys of the sink that its spec lists in Content. It
// reports a problem for a variable that is a secret of the trusted file or does not occur in
// it, for a ${file:PATH} that the trusted file does not have at the same key, and for a transform
// with a program that the trusted file does not contain in the same words. A proposed file that is
// a symbolic link is not read: messages quote lines, and the link may lead to the secrets of the
// machine, such as /proc/self/environ.
//
// A person who may only propose a change therefore cannot send credentials to another address,
// read them, or start a program.
func Propose(trusted, proposed Input, o Options) *Definition {
	doc, problems := trusted.document()
	base := load(doc, problems, o)
	if base.Problems.HasErrors() {
		return base
	}
	if info, err := os.Lstat(proposed.Path); err == nil && info.Mode()&os.ModeSymlink != 0 && proposed.Text == nil {
		base.Problems = config.Problems{{Pos: config.Pos{File: proposed.Path}, Code: codeUntrusted,
			Message: "the proposed file is a symbolic link", Hint: "propose a file"}}
		return base
	}
	doc, problems = trusted.document()
	other, more := proposed.document()
	if problems = append(problems, more...); problems.HasErrors() {
		return load(other, problems, o)
	}
	paths := slices.Clone(proposable)
	for _, key := range base.Sink.Content {
		paths = append(paths, "sink."+base.Sink.Name+"."+key)
	}
	replaced := replacedParts(doc, other, paths)
	for _, path := range paths {
		doc.Take(path, other)
	}
	if refused := append(unknownVariables(doc, base, paths), unknownFiles(doc, base, paths)...); len(refused) > 0 {
		base.Problems = refused // and nothing of the proposed file was built
		return base
	}
	d := load(doc, nil, o)
	d.Replaced = replaced
	if !d.Problems.HasErrors() {
		d.Problems = append(d.Problems, d.unknownPrograms(base)...)
	}
	return d
}

// replacedParts returns the paths below which two documents differ.
func replacedParts(trusted, proposed *config.Document, paths []string) (out []string) {
	for _, path := range paths {
		if !at(proposed, path).Same(at(trusted, path)) {
			out = append(out, path)
		}
	}
	return out
}

// Input is a pipeline file, with its text unless it is to be read.
type Input struct {
	Path string
	Text []byte
}

func (i Input) document() (*config.Document, config.Problems) {
	if i.Text == nil {
		return config.Load(i.Path)
	}
	return config.Parse(i.Path, i.Text)
}

// Programs returns the names of the transforms that run a program.
func (d *Definition) Programs() (out []string) {
	for _, t := range d.transforms {
		if _, runs := component.Capability[component.Programmed](t); runs {
			out = append(out, t.Name())
		}
	}
	return out
}

const codeUntrusted = "untrusted"

// unknownVariables returns problems for variables below paths that are secrets of the trusted
// file or do not occur in it.
func unknownVariables(doc *config.Document, base *Definition, paths []string) (out config.Problems) {
	var public []string
	for _, v := range base.Variables {
		if !slices.ContainsFunc(base.Variables, func(u config.Variable) bool { return u.Name == v.Name && u.Secret }) {
			public = append(public, v.Name)
		}
	}
	for _, path := range paths {
		n := at(doc, path)
		parts := []*config.Node{n}
		if path == "transforms" {
			parts = slices.DeleteFunc(slices.Clone(n.Items()), base.hasTransform)
		}
		for _, part := range parts {
			for _, name := range part.VariableNames() {
				if !slices.Contains(public, name) {
					out = append(out, part.Problem(codeUntrusted, fmt.Sprintf("%s names the variable %s, which is a secret of "+
						"the trusted file or not in it", path, name), "merge the use of a new variable first"))
				}
			}
		}
	}
	return out
}

// at returns the node at a dotted path of keys.
func at(doc *config.Document, path string) *config.Node {
	n := doc.Root()
	for key := range strings.SplitSeq(path, ".") {
		n = n.Get(key)
	}
	return n
}

// unknownFiles returns problems for files below paths that the trusted file does not name there.
func unknownFiles(doc *config.Document, base *Definition, paths []string) (out config.Problems) {
	for _, path := range paths {
		n, known := at(doc, path), at(base.Document, path).FileNames()
		for _, name := range n.FileNames() {
			if !slices.Contains(known, name) {
				out = append(out, n.Problem(codeUntrusted, fmt.Sprintf("%s names %s, which is not in the trusted file", path,
					name), "merge the use of a new file first"))
			}
		}
	}
	return out
}

// hasTransform reports whether the file contains a transform in the same words as node.
func (d *Definition) hasTransform(node *config.Node) bool {
	return slices.ContainsFunc(d.File.Transforms, func(n *config.Node) bool {
		return reflect.DeepEqual(n.Value(), node.Value())
	})
}

// unknownPrograms returns problems for transforms with a program that the trusted file does not
// contain in the same words.
func (d *Definition) unknownPrograms(base *Definition) (out config.Problems) {
	for i, t := range d.transforms {
		if _, runs := component.Capability[component.Programmed](t); runs && !base.hasTransform(d.File.Transforms[i]) {
			out = append(out, d.File.Transforms[i].Problem(codeUntrusted, fmt.Sprintf("the transform %q runs a program and is "+
				"not in the trusted file in the same words", t.Name()), "merge the change of the program first"))
		}
	}
	return out
}
