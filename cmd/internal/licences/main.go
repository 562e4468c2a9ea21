// Licences checks the licences of all modules that pipe and plugins are linked from, on
// every supported system. It prints a line for each module and ends with exit code 1 if one
// has no licence, or none that is allowed. With -texts it prints the licences themselves,
// which a distributed binary has to include.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// allowed are the accepted licences, by their SPDX identifiers: those that only require
// their text to be included, and MPL-2.0, which requires the source of the files that it
// covers.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0", "Unlicense"}

func main() {
	texts := flag.Bool("texts", false, "print the texts of the licences")
	flag.Parse()
	if err := run(os.Stdout, *texts, ".", "./cmd/pipe", "./plugins/sdk"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out io.Writer, texts bool, dir string, packages ...string) error {
	modules, err := linked(dir, packages)
	if err != nil {
		return err
	}
	var bad []error
	for _, m := range modules {
		l, err := read(m.dir)
		if err == nil {
			err = l.check()
		}
		switch {
		case err != nil:
			bad = append(bad, fmt.Errorf("%s %s: %w", m.path, m.version, err))
		case texts:
			fmt.Fprintf(out, "==== %s %s (%s)\n\n%s\n\n", m.path, m.version, strings.Join(l.names, " AND "),
				bytes.TrimSpace(l.text))
		default:
			fmt.Fprintf(out, "%-28s %s %s\n", strings.Join(l.names, " AND "), m.path, m.version)
		}
	}
	return errors.Join(bad...)
}

type module struct{ path, version, dir string }

// linked returns the modules of the packages and of all that they import, without the
// module of dir, for each system that pipe is built for.
func linked(dir string, packages []string) (modules []module, err error) {
	for _, system := range []string{"linux", "darwin", "windows"} {
		cmd := exec.Command("go", append([]string{"list", "-deps", "-f",
			"{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}"}, packages...)...)
		cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0"), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", system, err)
		}
		for line := range strings.Lines(string(out)) {
			if fields := strings.Split(strings.TrimSpace(line), "\t"); len(fields) == 3 {
				modules = append(modules, module{fields[0], fields[1], fields[2]})
			}
		}
	}
	slices.SortFunc(modules, func(a, b module) int { return strings.Compare(a.path, b.path) })
	return slices.Compact(modules), nil
}

// licence is the licence that a module's files state.
type licence struct {
	names []string // SPDX identifiers
	text  []byte   // of all files
}

var fileName = regexp.MustCompile(`(?i)^(un)?licen[cs]e|^copying|^notice`)

// read reads the files at the top of a module that state its licence.
func read(dir string) (*licence, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	l := &licence{}
	for _, e := range entries {
		if !e.Type().IsRegular() || !fileName.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		l.text = append(append(l.text, text...), '\n')
	}
	l.names = recognize(string(l.text))
	return l, nil
}

// check reports why the licence is not allowed.
func (l *licence) check() error {
	switch {
	case len(l.text) == 0:
		return errors.New("it has no licence")
	case len(l.names) == 0:
		return errors.New("its licence is not a known one")
	}
	for _, name := range l.names {
		if !slices.Contains(allowed, name) {
			return fmt.Errorf("its licence %s is not allowed", name)
		}
	}
	return nil
}

// phrases are texts by which a licence is known, with white space as single blanks.
var phrases = []struct{ name, phrase string }{
	{"AGPL-3.0", "GNU AFFERO GENERAL PUBLIC LICENSE Version 3"},
	{"Apache-2.0", "Apache License Version 2.0, January 2004"},
	{"Apache-2.0", "Licensed under the Apache License, Version 2.0"},
	{"BUSL-1.1", "Business Source License 1.1"},
	{"Commons-Clause", "Commons Clause"},
	{"Elastic-2.0", "Elastic License 2.0"},
	{"GPL", "GNU GENERAL PUBLIC LICENSE Version"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose with or without fee"},
	{"LGPL", "GNU LESSER GENERAL PUBLIC LICENSE Version"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy of this software"},
	{"MPL-2.0", "Mozilla Public License, version 2.0 1. Definitions"},
	{"SSPL-1.0", "Server Side Public License"},
	{"Unlicense", "This is free and unencumbered software released into the public domain."},
}

// recognize returns the licences whose texts are in a text.
func recognize(text string) (names []string) {
	text = strings.Join(strings.Fields(text), " ")
	for _, p := range phrases {
		if strings.Contains(text, p.phrase) && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	if strings.Contains(text, "Redistribution and use in source and binary forms") {
		name := "BSD-2-Clause"
		if strings.Contains(text, "to endorse or promote products derived from this software") {
			name = "BSD-3-Clause"
		}
		names = append(names, name)
	}
	return names
}
