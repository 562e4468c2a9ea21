package ask

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/preview"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// Caller is a person or a program that asks for something.
type Caller struct {
	Server   *serve.Server
	Pipeline *serve.Pipeline // nil for what belongs to none
	Who      *signin.Principal
	// How is the way of the request: serve.ByAPI and so on.
	How string
}

// RoleError means that a caller does not have a role.
type RoleError struct {
	Who, Pipeline string
	Role          signin.Role
	// Program means that the role is for people, and the caller is a program.
	Program bool
}

// Error says which role is missing.
func (e *RoleError) Error() string {
	return fmt.Sprintf("%s does not have the role %s for %s", e.Who, e.Role, e.Pipeline)
}

// Need returns a *RoleError when the caller does not have a role for the pipeline.
func (c Caller) Need(role signin.Role) error {
	if c.Who.May(role, c.Pipeline.Name) {
		return nil
	}
	return &RoleError{c.Who.Name, c.Pipeline.Name, role, role == signin.Approve && !c.Who.Person}
}

// Entry is what the audit log says of a request.
type Entry struct {
	Action      string
	Run, Detail string
}

// maxDetail is the maximum size of the details and of a result in the log in bytes.
const maxDetail = 1000

func (c Caller) action(e Entry) history.Action {
	a := history.Action{At: c.Server.Now(), Who: c.Who.Name, Action: e.Action, Run: e.Run, Detail: cut(e.Detail)}
	if c.Pipeline != nil {
		a.Pipeline = c.Pipeline.Name
	}
	return a
}

// cut bounds a text of a request in the log.
func cut(text string) string {
	if len(text) <= maxDetail {
		return text
	}
	at := maxDetail
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	return text[:at] + "…"
}

// Note writes an entry for an answer that is ready, and for one that is err. It returns err, or why
// the entry cannot be written: then the caller must not get the answer.
func (c Caller) Note(ctx context.Context, e Entry, err error) error {
	a := c.action(e)
	a.Result = resultOf(err)
	if err := c.Server.History.Act(ctx, a); err != nil {
		return err
	}
	return err
}

// The results in the log. That of a refused request has the reason.
const (
	done    = "done"
	refused = "refused: "
	failed  = "failed; the log of the server has the reason"
)

// Do writes an entry, then calls do, and adds the result to the entry. It does not call do when the
// entry cannot be written. An entry without a result is of a request during which the server ended.
func (c Caller) Do(ctx context.Context, e Entry, do func() error) error {
	id, err := c.Server.History.BeginAct(ctx, c.action(e))
	if err != nil {
		return err
	}
	err = do()
	if noted := c.Server.History.EndAct(context.WithoutCancel(ctx), id, resultOf(err)); noted != nil {
		c.Server.Log().Error("the audit log does not have the result of an action", "action", e.Action, "who", c.Who.Name,
			"result", resultOf(err), "error", noted)
	}
	return err
}

// resultOf returns what the log says of an error. The texts of other errors may have names that are
// not for everyone who may read the log.
func resultOf(err error) string {
	var role *RoleError
	var conflict *serve.ConflictError
	var forbidden *serve.ForbiddenError
	var invalid *fault.Invalid
	var push *component.PushError
	var unknown *preview.UnknownRefError
	var person *preview.UnknownPersonError
	switch {
	case err == nil:
		return done
	case errors.As(err, &role), errors.As(err, &conflict), errors.As(err, &forbidden), errors.As(err, &invalid),
		errors.As(err, &push), errors.As(err, &unknown), errors.As(err, &person):
		return cut(refused + err.Error())
	case errors.Is(err, preview.ErrNotFound), errors.Is(err, history.ErrNotFound):
		return refused + "there is none"
	case errors.Is(err, fault.ErrStopped):
		return refused + "the server is about to end"
	}
	return failed
}
