package web

import (
	"context"
	"time"

	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// NewLink stores a code for a person in the history of a server, and returns the address that uses
// it: it signs the person in, once, within signin.LinkTime.
func NewLink(ctx context.Context, h *history.History, origin, person string) (string, error) {
	code := signin.NewCode()
	if err := h.AddLink(ctx, code, signin.Canonical(person), time.Now().Add(signin.LinkTime)); err != nil {
		return "", err
	}
	return signin.Link(origin, code), nil
}
