package signin

import (
	"net/http"
	"net/url"
	"strings"
)

// The fields of the form with a person's token, which is sent to SignInPath. BackField, also a
// parameter of OpenIDPath, is the path of the page that the person wanted.
const (
	PersonTokenField = "person-token"
	BackField        = "back"
)

// maxForm is the maximum size of a form in bytes.
const maxForm = 64 << 10

// beginWithToken begins a session with the token of a person. The session has the roles of the token,
// and ends with it. A token cannot be guessed, so the right one is accepted however many failed
// before it.
func (g *Guard) beginWithToken(w http.ResponseWriter, r *http.Request) {
	if g.o.Tokens == nil {
		g.o.Refused(w, r, http.StatusMethodNotAllowed, "Open the link in a browser.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	found := g.o.Tokens.entry(strings.TrimSpace(r.PostFormValue(PersonTokenField)))
	switch {
	case g.o.Tokens.Err() != nil:
		g.o.Log.Error("the tokens file cannot be used", "error", g.o.Tokens.Err())
		g.o.Refused(w, r, http.StatusServiceUnavailable,
			"Tokens cannot be checked now. The log of the server has the reason.")
		return
	case (found == nil || !found.Person) && !g.tokenTries.fail(g.o.Now(), g.o.Client(r)):
		g.tooMany(w, r)
		return
	case found == nil:
		g.o.Refused(w, r, http.StatusForbidden, "This is not a token of this server, or it was revoked.")
		return
	case !found.Person:
		g.denied(r, found.Name, "token "+found.ID+" is for a program")
		g.o.Refused(w, r, http.StatusForbidden, "This token is for a program. Only a token of a person signs in here: "+
			"pipe serve token add NAME --person makes one.")
		return
	}
	mark, err := g.mark(r.Context())
	current := func() *Principal {
		if p := g.o.Tokens.current(found.Hash); p != nil && p.Person {
			return p
		}
		return nil
	}
	if err == nil && current() == nil {
		if !g.tokenTries.fail(g.o.Now(), g.o.Client(r)) {
			g.tooMany(w, r)
			return
		}
		g.denied(r, Canonical(found.Name), "token "+found.ID+" has expired")
		g.o.Refused(w, r, http.StatusForbidden, "This token has expired.")
		return
	}
	if err == nil {
		err = g.begin(w, r, current, mark, "with token "+found.ID)
	}
	if err != nil {
		g.notRecorded(w, r, err)
		return
	}
	http.Redirect(w, r, Local(r.PostFormValue(BackField)), http.StatusSeeOther)
}

func (g *Guard) tooMany(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "60")
	g.o.Refused(w, r, http.StatusTooManyRequests, "There were too many failed sign-ins. Try again in a minute.")
}

// denied records that a person or program was not signed in.
func (g *Guard) denied(r *http.Request, name, reason string) {
	g.o.Log.Warn("a sign-in was refused", "name", name, "reason", reason, "client", g.o.Client(r))
	if g.o.Denied != nil {
		g.o.Denied(r.Context(), name, reason)
	}
}

// Local returns a path of this server that a browser may be led to; "/" in place of anything
// else.
func Local(back string) string {
	u, err := url.Parse(back)
	switch {
	case err != nil:
	case !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || len(back) > 2000:
	case strings.ContainsFunc(back, func(c rune) bool { return c <= ' ' || c == '\\' || c > '~' }):
	case u.Path == SignInPath || strings.HasPrefix(u.Path, SignInPath+"/"):
	default:
		return back
	}
	return "/"
}
