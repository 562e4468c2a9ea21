package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options configure a Guard.
type Options struct {
	// Origins are the addresses of the server as a browser writes them, such as
	// http://127.0.0.1:7979. The first one is used in links. Requests with another Host header
	// are refused, and so are requests that change something and come from another origin.
	Origins []string
	// Codes are the codes of sign-in links; nil accepts none.
	Codes Codes
	// Person returns the principal of a person who signed in with a link.
	Person func(name string) *Principal
	// Cookie is the name of the cookie, without the prefix that TLS adds.
	Cookie string
	// Idle is how long a session lasts without use, and Longest in any case; 0 means 30 minutes
	// and 12 hours.
	Idle, Longest time.Duration
	Now           func() time.Time // nil means time.Now
	// SignedIn is called for each sign-in before the session begins; its error refuses it. It
	// may be nil.
	SignedIn func(ctx context.Context, who *Principal) error
	// Refused writes the answer to a request that is refused; nil writes a line of text.
	Refused func(w http.ResponseWriter, r *http.Request, status int, text string)
}

// Guard makes the checks that every request to a page has to pass, and keeps the sessions of
// browsers. Its sessions end with the process.
type Guard struct {
	o      Options
	hosts  []string
	secure bool

	mu       sync.Mutex
	sessions map[string]*Session // by hash of the cookie's value
}

// Session is a browser that is signed in.
type Session struct {
	Who *Principal
	// Token is what a form sends as the field of TokenField when it changes something.
	Token string

	begun, used time.Time
}

// TokenField is the field of a form, or the parameter of its body, with the session's token.
const TokenField = "token"

// SignInPath is the path of a sign-in link; the code is its parameter code.
const SignInPath = "/sign-in"

// NewGuard returns a Guard. Every origin is http or https; all are the same scheme.
func NewGuard(o Options) *Guard {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Idle == 0 {
		o.Idle = 30 * time.Minute
	}
	if o.Longest == 0 {
		o.Longest = 12 * time.Hour
	}
	if o.Refused == nil {
		o.Refused = func(w http.ResponseWriter, _ *http.Request, status int, text string) {
			http.Error(w, text, status)
		}
	}
	g := &Guard{o: o, sessions: map[string]*Session{}}
	for _, origin := range o.Origins {
		if u, err := url.Parse(origin); err == nil {
			g.hosts = append(g.hosts, u.Host)
			g.secure = u.Scheme == "https"
		}
	}
	return g
}

// Link returns the address that signs in with a code at the server with an origin.
func Link(origin, code string) string { return origin + SignInPath + "?code=" + url.QueryEscape(code) }

// Link returns the address that signs in with a code.
func (g *Guard) Link(code string) string { return Link(g.Origin(), code) }

// contentSecurity allows what comes from this server, and nothing else: no inline scripts or
// styles, no frames, no requests to others.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Protect returns a handler that makes the checks for every request: the Host header, and for a
// request that may change something its origin. It sets the headers for browsers, answers
// SignInPath, and passes the other requests to next, which asks Session who is signed in.
func (g *Guard) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurity)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer, a form has no origin
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if g.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		switch {
		case !g.KnownHost(r):
			g.o.Refused(w, r, http.StatusMisdirectedRequest, "this server is not called "+hostOf(r)+
				": open the address that pipe printed, or set the public URL of the server")
		case !safe(r.Method) && !g.sameOrigin(r):
			g.o.Refused(w, r, http.StatusForbidden, "this request comes from another site")
		case r.URL.Path == "/favicon.ico": // a browser asks for it whatever a page says
			w.WriteHeader(http.StatusNoContent)
		case r.URL.Path == SignInPath:
			g.signIn(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func hostOf(r *http.Request) string {
	if len(r.Host) > 100 {
		return r.Host[:100]
	}
	return r.Host
}

// KnownHost reports whether the Host header of a request is one of the server's own names. A
// site that gives its own name the address of this server is refused by it.
func (g *Guard) KnownHost(r *http.Request) bool {
	return slices.Contains(g.hosts, strings.ToLower(r.Host))
}

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// sameOrigin reports whether a request comes from a page of this server, by what the browser
// says about it.
func (g *Guard) sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		return slices.Contains(g.o.Origins, origin)
	}
	return r.Header.Get("Sec-Fetch-Site") == "same-origin"
}

// signIn uses the code of a link up and begins a session. The page that it answers with leads
// on: a redirect would carry the cookie's SameSite rule over from the program that opened the
// link, and the browser would not send the cookie.
func (g *Guard) signIn(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		g.o.Refused(w, r, http.StatusMethodNotAllowed, "open the link in a browser")
		return
	}
	if g.o.Codes == nil {
		g.o.Refused(w, r, http.StatusNotFound, "this server has no sign-in links")
		return
	}
	name, err := g.o.Codes.Take(r.Context(), r.URL.Query().Get("code"))
	if err != nil {
		if !errors.Is(err, ErrUnknownCode) {
			g.o.Refused(w, r, http.StatusServiceUnavailable, "the link cannot be checked now; try it again")
			return
		}
		g.o.Refused(w, r, http.StatusForbidden, ErrUnknownCode.Error()+": ask for a new one")
		return
	}
	if err := g.Begin(w, r, g.o.Person(name)); err != nil {
		g.o.Refused(w, r, http.StatusServiceUnavailable, "the sign-in was not recorded, so it is refused; try again")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(`<!doctype html><html lang="en"><meta charset="utf-8"><title>pipe</title>` +
		`<meta http-equiv="refresh" content="0; url=/"><p>You are signed in. <a href="/">Continue</a></p></html>`))
}

// Begin begins a session and sets its cookie.
func (g *Guard) Begin(w http.ResponseWriter, r *http.Request, who *Principal) error {
	if g.o.SignedIn != nil {
		if err := g.o.SignedIn(r.Context(), who); err != nil {
			return err
		}
	}
	value, now := NewCode(), g.o.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, s := range g.sessions {
		if g.over(s, now) {
			delete(g.sessions, key)
		}
	}
	g.sessions[hashOf(value)] = &Session{Who: who, Token: NewCode(), begun: now, used: now}
	http.SetCookie(w, g.cookie(value, int(g.o.Longest.Seconds())))
	return nil
}

func (g *Guard) cookie(value string, maxAge int) *http.Cookie {
	name := g.o.Cookie
	if g.secure {
		name = "__Host-" + name
	}
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: g.secure,
		SameSite: http.SameSiteStrictMode}
}

func (g *Guard) over(s *Session, now time.Time) bool {
	return now.Sub(s.used) > g.o.Idle || now.Sub(s.begun) > g.o.Longest
}

// Session returns the session of a request; nil when it has none.
func (g *Guard) Session(r *http.Request) *Session {
	c, err := r.Cookie(g.cookie("", 0).Name)
	if err != nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	key, now := hashOf(c.Value), g.o.Now()
	s := g.sessions[key]
	if s == nil {
		return nil
	}
	if g.over(s, now) {
		delete(g.sessions, key)
		return nil
	}
	s.used = now
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
	if c, err := r.Cookie(g.cookie("", 0).Name); err == nil {
		g.mu.Lock()
		delete(g.sessions, hashOf(c.Value))
		g.mu.Unlock()
	}
	http.SetCookie(w, g.cookie("", -1))
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

// Origin returns the address of the server for people.
func (g *Guard) Origin() string { return g.o.Origins[0] }
