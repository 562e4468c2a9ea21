package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/pipe-engine/pipe/engine/serve/signin/openid"
)

// The paths of a sign-in at an OpenID provider: the first leads to the provider, which sends the
// browser back to the second.
const (
	OpenIDPath   = SignInPath + "/openid"
	CallbackPath = SignInPath + "/callback"
)

// attemptCookie is the end of the name of the cookie that ties an attempt to a browser. Its
// SameSite rule is lax: the provider is another site, and sends the browser back.
const attemptCookie = "-sign-in"

// beginOpenID begins a sign-in and leads the browser to the provider.
func (g *Guard) beginOpenID(w http.ResponseWriter, r *http.Request) {
	back := Local(r.URL.Query().Get(BackField))
	switch {
	case g.o.OpenID == nil:
		g.o.Refused(w, r, http.StatusNotFound, "This server has no OpenID provider.")
		return
	case r.Method != http.MethodGet:
		g.o.Refused(w, r, http.StatusMethodNotAllowed, "Open this address in a browser.")
		return
	case !strings.EqualFold(r.Host, g.hosts[0]): // the provider knows one address, and cookies are of one host
		http.Redirect(w, r, g.Origin()+OpenIDPath+"?"+url.Values{BackField: {back}}.Encode(), http.StatusFound)
		return
	}
	begun, err := g.o.OpenID.provider.Begin(r.Context(), g.Origin()+CallbackPath)
	if err != nil {
		g.providerFails(w, r, err)
		return
	}
	value, err := g.o.OpenID.attempts.seal(&attempt{Attempt: *begun, Back: back, Begun: g.o.Now()})
	if err != nil {
		g.o.Log.Error("a sign-in cannot begin", "error", err)
		g.o.Refused(w, r, http.StatusInternalServerError, "The sign-in failed. The log of the server has the reason.")
		return
	}
	http.SetCookie(w, g.cookie(attemptCookie, value, int(attemptTime.Seconds()), http.SameSiteLaxMode))
	http.Redirect(w, r, begun.Address, http.StatusFound)
}

func (g *Guard) providerFails(w http.ResponseWriter, r *http.Request, err error) {
	g.o.OpenID.failed(err)
	g.o.Refused(w, r, http.StatusServiceUnavailable, "The identity provider "+g.o.OpenID.Host()+
		" cannot be used now. Try again later; the log of the server has the reason.")
}

// finishOpenID finishes a sign-in: it begins a session when the answer belongs to an attempt of
// this browser, and the person has a grant.
func (g *Guard) finishOpenID(w http.ResponseWriter, r *http.Request) {
	switch {
	case g.o.OpenID == nil:
		g.o.Refused(w, r, http.StatusNotFound, "This server has no OpenID provider.")
		return
	case r.Method != http.MethodGet:
		g.o.Refused(w, r, http.StatusMethodNotAllowed, "Open this address in a browser.")
		return
	}
	var found *attempt
	answer, client := r.URL.Query(), g.o.Client(r)
	if c, err := r.Cookie(g.cookieName(attemptCookie)); err == nil {
		found = g.o.OpenID.attempts.open(c.Value, answer, g.o.Now())
	}
	if found == nil {
		g.refuseAttempt(w, r)
		return
	}
	if !g.providerTries.fail(g.o.Now(), client) { // it asks the provider, and may be tried again later
		g.tooMany(w, r)
		return
	}
	if !g.o.OpenID.attempts.begin(found, g.o.Now()) {
		g.refuseAttempt(w, r)
		return
	}
	succeeded := false
	defer func() { g.o.OpenID.attempts.end(found, succeeded) }()
	http.SetCookie(w, g.cookie(attemptCookie, "", -1, http.SameSiteLaxMode))
	mark, err := g.mark(r.Context())
	if err != nil {
		g.notRecorded(w, r, err)
		return
	}
	current, how, err := g.person(r.Context(), found, answer)
	if err != nil {
		g.refusePerson(w, r, err)
		return
	}
	if err := g.begin(w, r, current, mark, how); err != nil {
		g.notRecorded(w, r, err)
		return
	}
	succeeded = true
	g.providerTries.succeeded(client)
	leadOn(w, found.Back)
}

func (g *Guard) refuseAttempt(w http.ResponseWriter, r *http.Request) {
	g.o.Refused(w, r, http.StatusForbidden,
		"This sign-in has expired, was used already, or began in another browser. Sign in again.")
}

// person returns who has signed in at the provider, as long as they may, and how they did.
func (g *Guard) person(ctx context.Context, a *attempt, answer url.Values) (
	current func() *Principal, how string, err error,
) {
	p := g.o.OpenID
	who, err := p.provider.Finish(ctx, &a.Attempt, answer, p.claims()...)
	if err != nil {
		return nil, "", err
	}
	name, err := who.Name(p.settings.PersonClaim)
	if err != nil {
		return nil, "", err
	}
	name = Canonical(name)
	isProgram := func() bool { return g.o.Tokens != nil && g.o.Tokens.isProgram(name) }
	groups := who.Groups(p.settings.GroupsClaim)
	current = func() *Principal {
		if isProgram() {
			return nil
		}
		found := p.principal(name, groups)
		if found != nil {
			found.Identity = hashOf(p.settings.Issuer + " " + who.Subject)
		}
		return found
	}
	switch {
	case p.Err() != nil:
		return nil, "", p.Err()
	case g.o.Tokens != nil && g.o.Tokens.Err() != nil:
		return nil, "", g.o.Tokens.Err()
	case isProgram():
		return nil, "", &openid.RefusedError{Name: name, Reason: name + " is the name of a program of this server.",
			Detail: "a program has a token of this name"}
	case current() == nil:
		return nil, "", &openid.RefusedError{Name: name, Reason: name + " has no role on this server. Ask the person who " +
			"runs it for a grant.", Detail: "no grant names this person or one of their groups"}
	}
	return current, "at " + p.settings.Issuer + " as " + who.Subject, nil
}

// refusePerson refuses a sign-in for what the provider has answered.
func (g *Guard) refusePerson(w http.ResponseWriter, r *http.Request, err error) {
	var no *openid.RefusedError
	if !errors.As(err, &no) {
		g.providerFails(w, r, err)
		return
	}
	if no.Name != "" {
		g.denied(r, Canonical(no.Name), no.Detail)
	} else {
		g.o.Log.Warn("a sign-in was refused", "reason", no.Detail, "client", g.o.Client(r))
	}
	g.o.Refused(w, r, http.StatusForbidden, no.Reason)
}
