package signin

import (
	"context"
	"log/slog"
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
	// Tokens are accepted in the form of the sign-in page when they are those of persons; nil
	// accepts none.
	Tokens *Tokens
	// OpenID signs people in at an OpenID provider, which sends the browser back to CallbackPath at
	// the first of Origins; nil signs none in.
	OpenID *OpenID
	// SignOuts end sessions from elsewhere; nil ends none.
	SignOuts SignOuts
	// Client returns the address whose failed sign-ins are counted; nil means Client.
	Client func(r *http.Request) string
	// SignedIn is called for each sign-in before the session begins; its error refuses it. how says
	// in a few words how the person signed in. It may be nil.
	SignedIn func(ctx context.Context, who *Principal, how string) error
	// Denied is called when a person or a program whose name is known is not signed in. It may be
	// nil.
	Denied func(ctx context.Context, name, reason string)
	// Refused writes the answer to a request that is refused; nil writes a line of text. text is one
	// sentence or two.
	Refused func(w http.ResponseWriter, r *http.Request, status int, text string)
	Log     *slog.Logger // nil drops the lines
}

// Guard makes the checks that every request to a page has to pass, and keeps the sessions of
// browsers. Its sessions end with the process.
type Guard struct {
	o      Options
	hosts  []string
	secure bool

	mu       sync.Mutex
	sessions map[string]*session // by hash of the cookie's value
	// The failures with tokens and those at the provider are separate: one does not use up the other.
	tokenTries, providerTries tries
}

// TokenField is the field of a form, or the parameter of its body, with the session's token.
const TokenField = "token"

// SignInPath is the path of a sign-in link, whose code is its parameter code, and of the form with
// a person's token.
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
	if o.Client == nil {
		o.Client = Client
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g := &Guard{o: o, sessions: map[string]*session{}}
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
			g.o.Refused(w, r, http.StatusMisdirectedRequest, "This server is not called "+hostOf(r)+
				". Open the address that pipe printed, or set the public URL of the server.")
		case !safe(r.Method) && !g.sameOrigin(r):
			g.o.Refused(w, r, http.StatusForbidden, "This request comes from another site.")
		case r.URL.Path == "/favicon.ico": // a browser asks for it whatever a page says
			w.WriteHeader(http.StatusNoContent)
		case r.URL.Path == SignInPath && r.Method == http.MethodPost:
			g.beginWithToken(w, r)
		case r.URL.Path == SignInPath:
			g.withLink(w, r)
		case r.URL.Path == OpenIDPath:
			g.beginOpenID(w, r)
		case r.URL.Path == CallbackPath:
			g.finishOpenID(w, r)
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

// Provider returns the host of the OpenID provider; "" when there is none.
func (g *Guard) Provider() string {
	if g.o.OpenID == nil {
		return ""
	}
	return g.o.OpenID.Host()
}

// Origin returns the address of the server for people.
func (g *Guard) Origin() string { return g.o.Origins[0] }
