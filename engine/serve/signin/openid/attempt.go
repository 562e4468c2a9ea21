package openid

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/url"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Attempt is the sign-in of one browser, which must send the answer to it. Who knows its fields can
// finish it: a browser that carries it must not be able to read or change them.
type Attempt struct {
	// Address is where the person signs in. Finish does not need it.
	Address string `json:"-"`

	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Redirect string `json:"redirect"`
}

// RefusedError means that a person is not signed in by what the browser or the provider sent.
type RefusedError struct {
	// Reason is a sentence for the person.
	Reason string
	// Detail is for the log; it may quote the provider, and holds no secret.
	Detail string
	// Name is that of the person, when the provider has given one; "" when it has not.
	Name string
}

// Error returns the detail.
func (e *RefusedError) Error() string { return e.Detail }

// Begin returns an attempt whose answer comes to the address redirect. It returns a *fault.Error
// when the provider cannot be used.
func (p *Provider) Begin(ctx context.Context, redirect string) (*Attempt, error) {
	m, err := p.metadata(context.WithoutCancel(ctx)) // others wait for it, too
	if err != nil {
		return nil, err
	}
	a := &Attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Redirect: redirect}
	a.Address = p.config(m, "", redirect).AuthCodeURL(a.State, oidc.Nonce(a.Nonce),
		oauth2.S256ChallengeOption(a.Verifier))
	return a, nil
}

const (
	otherBrowser = "This answer does not belong to a sign-in of this browser."
	notBelieved  = "The answer of the identity provider is not valid for this server."
	notAccepted  = "The identity provider has not confirmed the sign-in."
)

// Answers reports whether an answer, the parameters of the address to which the provider sent a
// browser, belongs to the attempt.
func (a *Attempt) Answers(answer url.Values) bool {
	return a.State != "" && subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(a.State)) == 1
}

// Finish returns the person who signed in, by the answer to an attempt. The user info endpoint is
// asked for the claims that the ID token does not have. An attempt is finished once: the caller
// makes sure of it. Finish returns a *RefusedError, or a *fault.Error when the provider cannot be
// used.
func (p *Provider) Finish(ctx context.Context, a *Attempt, answer url.Values, claims ...string) (*Person, error) {
	if !a.Answers(answer) {
		return nil, refused(otherBrowser, "the answer has the state of another sign-in")
	}
	if issuer := answer.Get("iss"); issuer != "" && issuer != p.s.Issuer {
		return nil, refused(notBelieved, "the answer comes from the issuer %s", display.Short(issuer, 200))
	}
	if code := answer.Get("error"); code != "" {
		text := display.Short(code, 60)
		if more := answer.Get("error_description"); more != "" {
			text += ": " + display.Short(more, 200)
		}
		return nil, refused("The identity provider refused the sign-in: "+text, "the provider answered %s", text)
	}
	if answer.Get("code") == "" {
		return nil, refused(notBelieved, "the answer has neither a code nor an error")
	}
	m, err := p.metadata(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	tokens, err := p.exchange(ctx, m, a, answer.Get("code"))
	if err != nil {
		return nil, err
	}
	id, err := p.verify(ctx, m, a, tokens)
	if err != nil {
		return nil, err
	}
	return p.person(ctx, m, id, tokens, claims)
}

// exchange sends the code of an answer to the token endpoint.
func (p *Provider) exchange(ctx context.Context, m *metadata, a *Attempt, code string) (*oauth2.Token, error) {
	secret, err := p.s.Secret(ctx)
	if err != nil {
		return nil, fault.Errorf(fault.Fatal, "check client_secret", "the secret of the client cannot be read: %w", err)
	}
	tokens, err := p.config(m, secret, a.Redirect).Exchange(p.within(ctx), code, oauth2.VerifierOption(a.Verifier))
	var no *oauth2.RetrieveError
	switch {
	case err == nil:
		return tokens, nil
	case ctx.Err() != nil:
		return nil, fault.Errorf(fault.Transient, "", "the browser has ended the request")
	case errors.As(err, &no) && no.ErrorCode == "invalid_grant":
		return nil, refused(notAccepted, "the token endpoint answered invalid_grant: %s",
			display.Short(no.ErrorDescription, 200))
	case errors.As(err, &no) && no.ErrorCode != "":
		return nil, fault.Errorf(fault.Fatal, "check client_id and client_secret, and the client's settings at the provider",
			"the token endpoint of %s answered %s: %s", p.s.Issuer, display.Short(no.ErrorCode, 60),
			display.Short(no.ErrorDescription, 200))
	case errors.As(err, &no):
		return nil, fault.Errorf(fault.Fatal, checkIssuer, "the token endpoint of %s answered %d without an error code",
			p.s.Issuer, no.Response.StatusCode)
	}
	return nil, p.fault(err, checkIssuer, "the token endpoint of %s gives no token", p.s.Issuer)
}

// noting is a set of keys that notes why it has not verified a signature: the library returns
// this as text alone.
type noting struct {
	*oidc.RemoteKeySet
	err error
}

func (n *noting) VerifySignature(ctx context.Context, jwt string) (payload []byte, err error) {
	payload, n.err = n.RemoteKeySet.VerifySignature(ctx, jwt)
	return payload, n.err
}

// verify returns the ID token when it was signed by the provider for this client and this
// attempt.
func (p *Provider) verify(ctx context.Context, m *metadata, a *Attempt, tokens *oauth2.Token) (*oidc.IDToken, error) {
	raw, is := tokens.Extra("id_token").(string)
	if !is || raw == "" {
		return nil, refused(notBelieved, "the token endpoint gives no ID token: does the client have the scope openid?")
	}
	keys := &noting{RemoteKeySet: m.keys}
	id, err := oidc.NewVerifier(p.s.Issuer, keys, &oidc.Config{ClientID: p.s.ClientID,
		SupportedSigningAlgs: m.algorithms, Now: p.s.Now}).Verify(p.within(ctx), raw)
	switch {
	case errors.As(keys.err, new(*fault.Error)):
		return nil, p.fault(keys.err, checkIssuer, "the keys of %s cannot be read", p.s.Issuer)
	case err != nil:
		return nil, refused(notBelieved, "the ID token is not valid: %s", display.Short(err.Error(), 300))
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1:
		return nil, refused(notBelieved, "the ID token is not for this sign-in: it has another nonce")
	case id.Subject == "":
		return nil, refused(notBelieved, "the ID token names no subject")
	case id.AccessTokenHash != "" && id.VerifyAccessToken(tokens.AccessToken) != nil:
		return nil, refused(notBelieved, "the access token is not that of the ID token")
	}
	return id, nil
}

// person collects what the provider says of a person.
func (p *Provider) person(ctx context.Context, m *metadata, id *oidc.IDToken, tokens *oauth2.Token,
	wanted []string) (*Person, error) {
	claims, err := claimsOf(id)
	if err != nil {
		return nil, refused(notBelieved, "the ID token is not valid: %s", display.Short(err.Error(), 300))
	}
	party, _ := claims["azp"].(string)
	if (claims["azp"] != nil || len(id.Audience) > 1) && party != p.s.ClientID {
		return nil, refused(notBelieved, "the ID token was issued to the client %s", display.Short(party, 100))
	}
	missing := func(name string) bool { return claims[name] == nil }
	if slices.ContainsFunc(wanted, missing) && m.UserInfoEndpoint() != "" && tokens.AccessToken != "" {
		info, err := m.UserInfo(p.within(ctx), oauth2.StaticTokenSource(tokens))
		if err != nil {
			return nil, p.fault(err, checkIssuer, "the user info endpoint of %s gives no claims", p.s.Issuer)
		}
		more, err := claimsOf(info)
		if err != nil || info.Subject != id.Subject {
			return nil, refused(notBelieved, "the user info endpoint answers about another subject, or not as it must")
		}
		add(claims, more)
	}
	return &Person{Subject: id.Subject, Claims: claims}, nil
}

// add adds the claims that are missing. Whether an address is verified is said of the address
// next to it, and of no other one.
func add(claims, more map[string]any) {
	if claims[claimEmail] == nil {
		delete(claims, claimVerified)
	} else {
		delete(more, claimVerified)
	}
	for name, value := range more {
		if claims[name] == nil {
			claims[name] = value
		}
	}
}

// object is the text of a JSON object.
type object []byte

// UnmarshalJSON copies the text.
func (o *object) UnmarshalJSON(text []byte) error {
	*o = slices.Clone(text)
	return nil
}

func claimsOf(from interface{ Claims(v any) error }) (map[string]any, error) {
	var text object
	if err := from.Claims(&text); err != nil {
		return nil, err
	}
	return codec.DecodeStrict(text)
}
