package auth

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

const (
	// refreshTime is how long the exchange of a refresh token may take.
	refreshTime = 30 * time.Second
	// refreshGrace is how long it goes on when its run is stopped: the identity provider may
	// have replaced the token already.
	refreshGrace = 2 * time.Second
)

// refresh exchanges the refresh token of a person for an access token, and stores the refresh
// token that replaces it. One process at a time does so, as many identity providers withdraw a
// sign-in when a token is used that was replaced.
func (p *provider) refresh(ctx context.Context, g grant) (c credential, err error) {
	origin, err := config.Origin(g.endpoint)
	if err != nil {
		return c, err
	}
	g.name, g.scopes = "refresh_token", nil // the scopes are those of the sign-in
	g.secret, _ = p.secret.value(ctx)
	var replaced bool
	var refused error
	err = p.RefreshToken.Use(ctx, origin, func(token string) (next string, _ error) {
		p.s.Redactor.Add(token)
		g.params = maps.Clone(g.params)
		g.params.Set("grant_type", g.name)
		g.params.Set("refresh_token", token)
		exchange, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTime)
		defer cancel()
		defer context.AfterFunc(ctx, func() { time.AfterFunc(refreshGrace, cancel) })()
		c, next, refused = g.token(exchange, p.s)
		replaced = next != "" && next != token
		if replaced {
			return next, nil // whether or not there is an access token
		}
		return "", refused
	})
	switch {
	case err != nil && replaced:
		return c, fault.Errorf(fault.Fatal, "let this user write the secret store, then sign in: pipe login FILE",
			"%s has replaced the refresh token, and the new one could not be stored: %w", hostOf(g.endpoint), err)
	case err == nil:
		err = refused
	}
	switch {
	case refusedWith(err, "invalid_grant"):
		err = fault.Errorf(fault.Fatal, "sign in again: pipe login FILE",
			"the sign-in has expired or was withdrawn: %w", err)
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		err = fault.Errorf(fault.Transient, "check that it is reachable", "the token endpoint of %s did not answer within %v",
			hostOf(g.endpoint), refreshTime)
	}
	return c, err
}
