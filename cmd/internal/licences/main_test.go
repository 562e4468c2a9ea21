package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const mit = "MIT License\n\n" +
	"Permission is hereby granted, free of charge, to any person obtaining a copy\nof this software and …"

// TestCheck: a module needs a licence, and every licence that its files name has to be
// an allowed one.
func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		file, text string
		want       string // "" for an allowed one
	}{
		"none":    {"README.md", mit, "it has no licence"},
		"unknown": {"LICENSE", "You may do what you like.", "its licence is not a known one"},
		"not allowed": {"COPYING", "GNU GENERAL PUBLIC LICENSE\n  Version 3, 29 June 2007",
			"its licence GPL is not allowed"},
		"one of two":       {"LICENSE", mit + "\nBusiness Source License 1.1", "its licence BUSL-1.1 is not allowed"},
		"another spelling": {"licence.txt", mit, ""},
		"an older spelling": {"LICENSE", "Permission to use, copy, modify, and distribute this software for any\n" +
			"purpose with or without fee is hereby granted", ""},
		"unlicense": {"UNLICENSE", "This is free and unencumbered software released\ninto the public domain.", ""},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, tc.file), []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := read(dir)
		if err != nil {
			t.Fatal(err)
		}
		switch err := l.check(); {
		case tc.want == "" && err != nil, tc.want != "" && (err == nil || err.Error() != tc.want):
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

// TestRun: a module without an allowed licence ends the check with an error that names
// it, whichever package imports it.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"go.mod": "module example.com/main\n\ngo 1.26\n\n" +
			"require (\n\texample.com/free v1.0.0\n\texample.com/bare v1.0.0\n)\n\n" +
			"replace example.com/free => ./free\n\nreplace example.com/bare => ./bare\n",
		"main.go":         "package main\n\nimport _ \"example.com/free\"\n\nfunc main() {}\n",
		"free/go.mod":     "module example.com/free\n\ngo 1.26\n\nrequire example.com/bare v1.0.0\n",
		"free/free.go":    "package free\n",
		"free/windows.go": "//go:build windows\n\npackage free\n\nimport _ \"example.com/bare\"\n",
		"free/LICENSE":    mit,
		"bare/go.mod":     "module example.com/bare\n\ngo 1.26\n",
		"bare/bare.go":    "package bare\n",
	} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	err := run(&out, false, dir, ".")
	if err == nil || err.Error() != "example.com/bare v1.0.0: it has no licence" || !strings.Contains(out.String(),
		"MIT                          example.com/free v1.0.0\n") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
