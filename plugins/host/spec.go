package host

import (
	"log/slog"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/plugins/host/pin"
)

// Spec is the component, for the registry.
func Spec() component.TransformSpec[*Config] {
	return component.TransformSpec[*Config]{
		Key:     "plugin",
		Summary: "Passes records to a program of your own, which changes or drops them.",
		Config:  func() *Config { return &Config{} },
		New: func(cfg *Config, s component.TransformSettings) component.Transform {
			return build(cfg, s)
		},
	}
}

// Options configure a Transform.
type Options struct {
	Name    string   // of the transform
	Command []string // a program and its arguments
	Folder  string   // base of the command's relative paths, and working directory of the program
	Sums    []string // of the files that the command names, in order
	// Unpinned allows a start without Sums.
	Unpinned bool
	Config   config.Data
	Env      []string
	Timeout  time.Duration
	Batch    int
	OnError  string
	// Node is the position of problems about the whole block.
	Node *config.Node

	MayChangeAccess bool
	// AccessReads are the paths that permissions read; nil for none.
	AccessReads func() []string
	// Lookup is a variable of pipe's environment.
	Lookup func(name string) (value string, ok bool)
	Log    *slog.Logger

	startLimit time.Duration // until it answers a ping
	hashed     func()        // called between the hash and the start, for tests
}

// command is the program as the pipeline file names it.
func (o *Options) command() *pin.Command {
	return &pin.Command{Words: o.Command, Folder: o.Folder, Sums: o.Sums, Unpinned: o.Unpinned}
}

// Files returns the paths of the files that the command names, in the order of
// their checksums.
func (o *Options) Files() []string { return o.command().Files() }

// InterpreterOnly reports whether the checksums cover only interpreters.
func (o *Options) InterpreterOnly() bool { return o.command().InterpreterOnly() }

// environment returns the variables for the plugin: PATH, HOME and those that it was
// granted.
func (o *Options) environment() []string {
	var env []string
	for _, name := range append([]string{"PATH", "HOME"}, o.Env...) {
		if value, ok := o.Lookup(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func build(c *Config, s component.TransformSettings) *Transform {
	t := New(Options{
		Name: s.Name, Command: c.Command, Folder: s.Folder, Sums: c.SHA256, Unpinned: s.Unpinned, Config: c.Config,
		Env: c.Env, Timeout: c.Timeout.D(), Batch: c.Batch, OnError: c.OnError, Node: s.Node,
		MayChangeAccess: c.MayChangeAccess, AccessReads: s.AccessReads, Lookup: s.Lookup, Log: s.Log,
	})
	attached := t.Attached()
	if s.Node.Get("sha256").IsNull() && len(c.Command) > 0 && !s.Unpinned && !attached {
		s.Problem(s.Node, "unpinned", "the plugin has no checksum, so any program could replace it",
			"add sha256: …, as `pipe plugin checksum FILE` prints it, "+
				"or run with --allow-unpinned while you work on the plugin")
	}
	if len(c.SHA256) > 0 && t.o.InterpreterOnly() && !attached {
		s.Warn(s.Node.Get("command"), "interpreter-only",
			"the checksum covers only the interpreter, not what it runs",
			"name the script by its path, as in command: [/usr/bin/python3, plugin.py], and add its checksum")
	}
	return t
}
