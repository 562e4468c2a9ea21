package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

func (a *app) tokenCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "token",
		Usage: "rotate the token of the sink",
		Subcommands: []*urfave.Command{{
			Name:      "rotate",
			Usage:     "get a new secret for the token, and write it to the token's file or the secret store",
			ArgsUsage: "FILE",
			Description: "For tokens that have a rotation period in Glean and that the pipeline reads from ${file:PATH} " +
				"or, in the secret store, ${secret:NAME}. The file is replaced at once. The old secret works for ten " +
				"more minutes, so a running job can read the new one.",
			Action: a.tokenRotate,
		}},
	}
}

func (a *app) tokenRotate(c *urfave.Context) error {
	if err := noWords(c, ""); err != nil {
		return err
	}
	return a.operate(c, loading{unpinned: true}, func(ctx context.Context, o *operating) error {
		rotator, can := o.Pipeline.Sink.(component.Rotator)
		if !can {
			return o.sinkCannot("has no token that rotates")
		}
		place, err := rotator.TokenPlace()
		if err != nil {
			return err
		}
		if place.Secret != "" {
			return a.rotateStored(ctx, c, o, rotator, place.Secret)
		}
		path := place.File
		file, err := newSecretFile(path)
		switch {
		case fault.RemedyOf(err) != "":
			return err
		case err != nil:
			return fault.Errorf(fault.Fatal,
				"the token was not rotated; allow this user to replace the file in its folder, or rotate it "+
					"where the secret is stored",
				"the new secret could not be stored: %w", err)
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
			return a.printJSON(rotatedJSON{path, "", rotated.OldUntil, rotated.Before}, nil)
		}
		a.printRotated(path, rotated)
		return nil
	})
}

func (a *app) printRotated(where string, rotated *component.Rotated) {
	display.Fprintf(a.Stdout, "the token has a new secret, which is in %s; the old one works until %s\n", where,
		rotated.OldUntil.Local().Format("15:04:05"))
	if !rotated.Before.IsZero() {
		display.Fprintf(a.Stdout, "rotate it again before %s\n", rotated.Before.Local().Format("2006-01-02 15:04"))
	}
}

// rotateStored rotates a token that is ${secret:NAME}.
func (a *app) rotateStored(ctx context.Context, c *urfave.Context, o *operating, rotator component.Rotator,
	name string) error {
	file := o.Definition.Document.File()
	s, key, err := o.Definition.Secrets.Stored(name, filepath.Dir(file))
	if err != nil {
		return err
	}
	var rotated *component.Rotated
	var failed error
	err = s.Replace(key, func() (string, error) {
		rotated, failed = rotator.Rotate(context.WithoutCancel(ctx)) // a lost answer is a lost secret
		if failed != nil {
			return "", failed
		}
		a.redactor.Add(rotated.Secret.Reveal())
		return rotated.Secret.Reveal(), nil
	})
	switch {
	case failed != nil:
		return failed
	case rotated == nil && fault.RemedyOf(err) != "":
		return err
	case rotated == nil:
		return fault.Errorf(fault.Fatal, "the token was not rotated; allow this user to replace the store in its folder",
			"the new secret could not be stored: %w", err)
	case err != nil:
		return fault.Errorf(fault.Fatal, "when the store is writable, rotate it again before "+
			rotated.OldUntil.Local().Format("15:04:05")+", when the old secret in the store expires",
			"Glean has rotated the token, but the new secret could not be stored: %w", err)
	}
	if c.Bool("json") {
		return a.printJSON(rotatedJSON{s.Path(), key, rotated.OldUntil, rotated.Before}, nil)
	}
	a.printRotated(s.Path()+" as "+key, rotated)
	display.Fprintf(a.Stdout, "commit %s if it is in version control\n", s.Path())
	return nil
}

type rotatedJSON struct {
	File     string    `json:"file"`
	Secret   string    `json:"secret,omitempty"` // its name in the secret store
	OldUntil time.Time `json:"oldUntil"`
	Before   time.Time `json:"rotateBefore,omitzero"`
}

// lost adds to an error where the new secret is, when it is not in its file.
func lost(err error, path, until string) error {
	var k *keptError
	if errors.As(err, &k) {
		return fault.Errorf(fault.Fatal,
			fmt.Sprintf("move it there before %s, when the old secret in the file expires: mv %s %s",
				until, k.path, path),
			"Glean has rotated the token; the new secret is in %s, because it could not replace %s: %w", k.path,
			path, k.err)
	}
	return fault.Errorf(fault.Fatal,
		fmt.Sprintf("when the disk is writable, rotate it again before %s, when the old secret in %s expires", until,
			path),
		"Glean has rotated the token, but the new secret could not be written anywhere: %w", err)
}

// keptError is that a secret is in another file than it should be in.
type keptError struct {
	path string
	err  error
}

func (k *keptError) Error() string { return k.err.Error() }
