package signin

import (
	"container/list"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/serve/signin/openid"
)

// The paths of a sign-in at an OpenID provider: the first leads to the provider, which sends the
// browser back to the second.
const (
	OpenIDPath   = SignInPath + "/openid"
	CallbackPath = SignInPath + "/callback"
)

// attemptTime is how long a person may take to sign in at the provider, and mostAttempts how many
// people do so at once.
const (
	attemptTime  = 10 * time.Minute
	mostAttempts = 10_000
)

// attempts are the sign-ins of browsers that are at the provider.
type attempts struct {
	mu    sync.Mutex
	all   map[string]*list.Element // of order, by hash of the cookie's value
	order list.List                // of *attempt, the oldest first
}

type attempt struct {
	*openid.Attempt
	back  string
	begun time.Time
	key   string // in attempts.all
}

// add keeps an attempt. When there are too many, the oldest one is dropped.
func (a *attempts) add(cookie string, one *attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil {
		a.all = map[string]*list.Element{}
	}
	for first := a.order.Front(); first != nil; first = a.order.Front() {
		if len(a.all) < mostAttempts && one.begun.Sub(first.Value.(*attempt).begun) <= attemptTime {
			break
		}
		a.remove(first)
	}
	one.key = hashOf(cookie)
	a.all[one.key] = a.order.PushBack(one)
}

func (a *attempts) remove(e *list.Element) *attempt {
	one := a.order.Remove(e).(*attempt)
	delete(a.all, one.key)
	return one
}

// take returns the attempt of a browser to which an answer belongs, once; nil when there is none.
// An answer that does not belong to it leaves it: another site may have sent the browser.
func (a *attempts) take(cookie string, answer url.Values, now time.Time) *attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.all[hashOf(cookie)]
	if e == nil {
		return nil
	}
	if found := e.Value.(*attempt); now.Sub(found.begun) > attemptTime || !found.Mine(answer) {
		return nil
	}
	return a.remove(e)
}

// attemptCookie is the end of the name of the cookie that ties an attempt to a browser. Its
// SameSite rule is lax: the provider is another site, and sends the browser back.
const attemptCookie = "-sign-in"

// toProvider begins a sign-in and leads the browser to the provider.
func (g *Guard) toProvider(w http.ResponseWriter, r *http.Request) {
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
	value := NewCode()
	g.o.OpenID.attempts.add(value, &attempt{Attempt: begun, back: back, begun: g.o.Now()})
	http.SetCookie(w, g.cookie(attemptCookie, value, int(attemptTime.Seconds()), http.SameSiteLaxMode))
	http.Redirect(w, r, begun.Address, http.StatusFound)
}

func (g *Guard) providerFails(w http.ResponseWriter, r *http.Request, err error) {
	g.o.OpenID.failed(err)
	g.o.Refused(w, r, http.StatusServiceUnavailable, "The identity provider "+g.o.OpenID.Host()+
		" cannot be used now. Try again later; the log of the server has the reason.")
}

// fromProvider finishes a sign-in: it begins a session when the answer belongs to an attempt of
// this browser, and the person has a grant.
func (g *Guard) fromProvider(w http.ResponseWriter, r *http.Request) {
	switch {
	case g.o.OpenID == nil:
		g.o.Refused(w, r, http.StatusNotFound, "This server has no OpenID provider.")
		return
	case r.Method != http.MethodGet:
		g.o.Refused(w, r, http.StatusMethodNotAllowed, "Open this address in a browser.")
		return
	}
	var found *attempt
	answer := r.URL.Query()
	if c, err := r.Cookie(g.cookieName(attemptCookie)); err == nil {
		found = g.o.OpenID.attempts.take(c.Value, answer, g.o.Now())
	}
	if found == nil {
		g.o.Refused(w, r, http.StatusForbidden,
			"This sign-in has expired, was used already, or began in another browser. Sign in again.")
		return
	}
	http.SetCookie(w, g.cookie(attemptCookie, "", -1, http.SameSiteLaxMode))
	client := g.o.Client(r)
	if !g.tries.begin(g.o.Now(), client) {
		g.tooMany(w, r)
		return
	}
	mark, err := g.mark(r.Context())
	if err != nil {
		g.notRecorded(w, r, err)
		return
	}
	current, how, err := g.person(r.Context(), found, answer)
	if err != nil {
		g.notPerson(w, r, err)
		return
	}
	if err := g.begin(w, r, current, mark, how); err != nil {
		g.notRecorded(w, r, err)
		return
	}
	g.tries.succeeded(client)
	leadOn(w, found.back)
}

// person returns who has signed in at the provider, as long as they may, and how they did.
func (g *Guard) person(ctx context.Context, a *attempt, answer url.Values) (
	current func() *Principal, how string, err error,
) {
	p := g.o.OpenID
	who, err := p.provider.Finish(ctx, a.Attempt, answer, p.claims()...)
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
		return p.principal(name, groups)
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

// notPerson refuses a sign-in for what the provider has answered.
func (g *Guard) notPerson(w http.ResponseWriter, r *http.Request, err error) {
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
