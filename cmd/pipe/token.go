package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine"
)

func (a *app) tokenCommand() *cli.Command {
	return &cli.Command{
		Name:  "token",
		Usage: "the sink's token",
		Subcommands: []*cli.Command{{
			Name:      "rotate",
			Usage:     "have Glean give the token a new secret, and write it to the file that the token is read from",
			ArgsUsage: "FILE",
			Description: "For tokens that were made with a rotation period, and that the pipeline reads from a ${file:PATH}. The file is replaced\n" +
				"whole. The secret before works for ten minutes more: a run under way reads the new one from the file.",
			Action: a.tokenRotate,
		}},
	}
}

func (a *app) tokenRotate(c *cli.Context) error {
	if err := noWords(c, ""); err != nil {
		return err
	}
	return a.operate(c, engine.ForRotating, loading{unpinned: true}, func(ctx context.Context, o *operating) error {
		rotator, can := o.p.Sink.(engine.Rotator)
		if !can {
			return o.sinkCannot("has no token that rotates")
		}
		path, err := rotator.TokenFile()
		if err != nil {
			return err
		}
		file, err := newSecretFile(path)
		if err != nil {
			return engine.Errorf(engine.Fatal, "the token was not rotated; have this user write to the file's folder, or rotate where the secret is kept", "the new secret could not be kept: %w", err)
		}
		defer file.drop()
		rotated, err := rotator.Rotate(context.WithoutCancel(ctx)) // a lost answer is a lost secret
		if err != nil {
			return err
		}
		a.redactor.Add(rotated.Secret.Reveal())
		until := rotated.OldUntil.Local().Format("15:04:05")
		if err := file.commit(rotated.Secret.Reveal()); err != nil {
			return lost(err, path, until)
		}
		if c.Bool("json") {
			return a.printJSON(rotatedJSON{path, rotated.OldUntil, rotated.Before}, nil)
		}
		fmt.Fprintf(a.stdout, "the token has a new secret, which is in %s; the one before works until %s\n", path, until)
		if !rotated.Before.IsZero() {
			fmt.Fprintf(a.stdout, "rotate it again before %s\n", rotated.Before.Local().Format("2006-01-02 15:04"))
		}
		return nil
	})
}

type rotatedJSON struct {
	File     string    `json:"file"`
	OldUntil time.Time `json:"oldUntil"`
	Before   time.Time `json:"rotateBefore,omitzero"`
}

// lost says where the new secret is when it is not where it should be.
func lost(err error, path, until string) error {
	var k *keptError
	if errors.As(err, &k) {
		return engine.Errorf(engine.Fatal, fmt.Sprintf("move it there before %s, until when the secret in the file works: mv %s %s", until, k.path, path),
			"Glean has rotated the token, and the new secret is in %s, as it could not be put in the place of %s: %w", k.path, path, k.err)
	}
	return engine.Errorf(engine.Fatal, fmt.Sprintf("rotate it again before %s, until when the secret in %s works, once the disk can be written", until, path),
		"Glean has rotated the token, and the new secret could not be written anywhere: %w", err)
}

// keptError is that a secret is in another file than it should be in.
type keptError struct {
	path string
	err  error
}

func (k *keptError) Error() string { return k.err.Error() }

// secretFile is a new version of a file that holds a secret. What can fail is
// tried before there is a secret to lose: the folder takes a file, and the disk
// has room for it.
type secretFile struct {
	path    string // of the file that is replaced; a link is followed
	f       *os.File
	newline bool
	rename  func(from, to string) error
	kept    bool // the secret stays where it was written
}

// room is more than any secret takes.
const room = 4 << 10

func newSecretFile(path string) (*secretFile, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return nil, err
	}
	s := &secretFile{path: path, f: f, newline: len(old) > 0 && old[len(old)-1] == '\n', rename: os.Rename}
	if _, err = f.Write(make([]byte, room)); err == nil {
		err = f.Sync()
	}
	if err != nil {
		s.drop()
		return nil, err
	}
	return s, nil
}

// commit writes the secret and puts it in the place of the old one. A *keptError
// says that it is on the disk beside it.
func (s *secretFile) commit(secret string) error {
	if s.newline {
		secret += "\n"
	}
	if _, err := s.f.WriteAt([]byte(secret), 0); err != nil {
		return err
	}
	s.kept = true
	for _, step := range []func() error{
		func() error { return s.f.Truncate(int64(len(secret))) },
		s.f.Sync, s.f.Close,
		func() error { return s.rename(s.f.Name(), s.path) },
	} {
		if err := step(); err != nil {
			return &keptError{s.f.Name(), err}
		}
	}
	if dir, err := os.Open(filepath.Dir(s.path)); err == nil {
		dir.Sync() // as far as the system has it
		dir.Close()
	}
	return nil
}

// drop removes the new version, unless it holds the secret.
func (s *secretFile) drop() {
	s.f.Close()
	if !s.kept {
		os.Remove(s.f.Name())
	}
}
