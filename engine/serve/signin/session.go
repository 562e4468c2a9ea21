package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"
)

// Session is a browser that is signed in, as it is at the time of a request.
type Session struct {
	Who *Principal
	// Token is what a form sends as the field of TokenField when it changes something.
	Token string
}

// session is a Session between requests.
type session struct {
	// current returns who is signed in now; nil when the person may not be any more.
	current     func() *Principal
	token       string
	begun, used time.Time
	mark        int64 // that of SignOuts when the sign-in began
}

// SignOuts are the times at which sessions were ended from elsewhere, in their order.
type SignOuts interface {
	// Mark returns the mark of the last sign-out.
	Mark(ctx context.Context) (int64, error)
	// SignedOut reports whether the sessions of a person were ended after a mark.
	SignedOut(ctx context.Context, person string, mark int64) (bool, error)
}

// mark returns the mark of sign-outs before a sign-in.
func (g *Guard) mark(ctx context.Context) (int64, error) {
	if g.o.SignOuts == nil {
		return 0, nil
	}
	return g.o.SignOuts.Mark(ctx)
}

// errNotCurrent means that a person may not be signed in any more.
var errNotCurrent = errors.New("the person may not be signed in any more")

// begin begins a session and sets its cookie. how says in a few words how the person signed in. It
// ends the session that the browser had before. It returns the error of Options.SignedIn.
func (g *Guard) begin(w http.ResponseWriter, r *http.Request, current func() *Principal, mark int64, how string) error {
	who := current()
	if who == nil {
		return errNotCurrent
	}
	if g.o.SignedIn != nil {
		if err := g.o.SignedIn(r.Context(), who, how); err != nil {
			return err
		}
	}
	g.end(r)
	value, now := NewCode(), g.o.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, s := range g.sessions {
		if g.over(s, now) {
			delete(g.sessions, key)
		}
	}
	g.sessions[hashOf(value)] = &session{current: current, token: NewCode(), begun: now, used: now, mark: mark}
	http.SetCookie(w, g.cookie("", value, int(g.o.Longest.Seconds()), http.SameSiteStrictMode))
	return nil
}

func (g *Guard) cookie(suffix, value string, maxAge int, site http.SameSite) *http.Cookie {
	return &http.Cookie{Name: g.cookieName(suffix), Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true,
		Secure: g.secure, SameSite: site}
}

func (g *Guard) cookieName(suffix string) string {
	name := g.o.Cookie + suffix
	if g.secure {
		name = "__Host-" + name
	}
	return name
}

func (g *Guard) over(s *session, now time.Time) bool {
	return now.Sub(s.used) > g.o.Idle || now.Sub(s.begun) > g.o.Longest
}

// Session returns the session of a request, with what the person may do now; nil when it has
// none, and when the person may not be signed in any more.
func (g *Guard) Session(r *http.Request) *Session {
	s := g.find(r)
	if s == nil {
		return nil
	}
	who := s.current()
	if who == nil {
		return nil
	}
	if g.o.SignOuts != nil {
		if out, err := g.o.SignOuts.SignedOut(r.Context(), who.Name, s.mark); err != nil || out {
			return nil
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s.used = g.o.Now()
	return &Session{Who: who, Token: s.token}
}

func (g *Guard) find(r *http.Request) *session {
	c, err := r.Cookie(g.cookieName(""))
	if err != nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	key := hashOf(c.Value)
	s := g.sessions[key]
	if s != nil && g.over(s, g.o.Now()) {
		delete(g.sessions, key)
		return nil
	}
	return s
}

// Changes reports whether a form that was sent carries the token of its session. A handler that
// changes something asks this first.
func (s *Session) Changes(r *http.Request) bool {
	return s != nil && r.Method == http.MethodPost &&
		subtle.ConstantTimeCompare([]byte(r.PostFormValue(TokenField)), []byte(s.Token)) == 1
}

// End ends the session of a request and removes its cookie.
func (g *Guard) End(w http.ResponseWriter, r *http.Request) {
	g.end(r)
	http.SetCookie(w, g.cookie("", "", -1, http.SameSiteStrictMode))
}

func (g *Guard) end(r *http.Request) {
	if c, err := r.Cookie(g.cookieName("")); err == nil {
		g.mu.Lock()
		delete(g.sessions, hashOf(c.Value))
		g.mu.Unlock()
	}
}

// LastUsed returns when a session was last used; zero when there was none.
func (g *Guard) LastUsed() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	var last time.Time
	for _, s := range g.sessions {
		if s.used.After(last) {
			last = s.used
		}
	}
	return last
}
