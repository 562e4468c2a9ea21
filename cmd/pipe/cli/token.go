package cli

import (
	"context"
	"errors"
	"fmt"
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
			Usage:     "get a new secret for the token, and write it to the token's file",
			ArgsUsage: "FILE",
			Description: "For tokens that have a rotation period in Glean and that the pipeline reads from ${file:PATH}. " +
				"The file is replaced at once. The old secret works for ten more minutes, so a running job can " +
				"read the new one.",
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
		path, err := rotator.TokenFile()
		if err != nil {
			return err
		}
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
			return a.printJSON(rotatedJSON{path, rotated.OldUntil, rotated.Before}, nil)
		}
		display.Fprintf(a.Stdout, "the token has a new secret, which is in %s; the old one works until %s\n",
			path, until)
		if !rotated.Before.IsZero() {
			display.Fprintf(a.Stdout, "rotate it again before %s\n", rotated.Before.Local().Format("2006-01-02 15:04"))
		}
		return nil
	})
}

type rotatedJSON struct {
	File     string    `json:"file"`
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
