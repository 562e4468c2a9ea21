package pages

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/page"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/ask"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// Pages answers browsers. Its requests have passed signin.Guard.Protect.
type Pages struct {
	server  *serve.Server
	guard   *signin.Guard
	secrets *redact.Redactor
	version string
	mux     *http.ServeMux
	search  map[string]http.Handler // by pipeline
}

//go:embed templates static
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"time":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
	"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"number": display.Number,
	"lasted": lasted,
}).ParseFS(files, "templates/*.html"))

// lasted returns the duration of a run in a few characters.
func lasted(r *history.Run) string {
	if r.Ended.IsZero() {
		return "still running"
	}
	return r.Ended.Sub(r.Started).Round(time.Second).String()
}

// New returns the pages of a server. Secrets are removed from them.
func New(server *serve.Server, guard *signin.Guard, secrets *redact.Redactor, version string) *Pages {
	p := &Pages{server: server, guard: guard, secrets: secrets, version: version, mux: http.NewServeMux(),
		search: map[string]http.Handler{}}
	for _, one := range server.Pipelines() {
		p.search[one.Name] = p.searchOf(one)
	}
	for pattern, handle := range map[string]func(*visit) error{
		"GET /{$}":                                               (*visit).overview,
		"GET /pipelines/{pipeline}":                              (*visit).pipelinePage,
		"GET /pipelines/{pipeline}/log":                          (*visit).log,
		"GET /pipelines/{pipeline}/runs/{run}":                   (*visit).run,
		"POST /pipelines/{pipeline}/runs":                        (*visit).trigger,
		"POST /pipelines/{pipeline}/refusals/{refusal}/approval": (*visit).approve,
		"POST /pipelines/{pipeline}/rules/{rules}/approval":      (*visit).acceptRules,
		"POST /sign-out":                                         (*visit).signOut,
		"GET /log":                                               (*visit).wholeLog,
		"GET /pipelines/{pipeline}/search":                       (*visit).search,
		"GET /pipelines/{pipeline}/search/{rest...}":             (*visit).search,
		"POST /pipelines/{pipeline}/search":                      (*visit).readIndex,
		"/":                                                      (*visit).unknown,
	} {
		p.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, handle) })
	}
	p.mux.HandleFunc("GET /static/style.css", func(w http.ResponseWriter, _ *http.Request) {
		static(w, "text/css", page.Style(), "style.css")
	})
	p.mux.HandleFunc("GET /static/app.js", func(w http.ResponseWriter, _ *http.Request) {
		static(w, "text/javascript", "", "app.js")
	})
	p.mux.HandleFunc("GET /static/icon.svg", func(w http.ResponseWriter, _ *http.Request) {
		static(w, "image/svg+xml", "", "icon.svg")
	})
	return p
}

func static(w http.ResponseWriter, kind, before, name string) {
	b, err := files.ReadFile("static/" + name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.Write([]byte(before))
	w.Write(b)
}

// ServeHTTP implements http.Handler.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// visit is a request with a session.
type visit struct {
	*http.Request
	w        http.ResponseWriter
	pages    *Pages
	session  *signin.Session
	pipeline *serve.Pipeline // nil when the path names none
}

// refused is an answer other than the page that was asked for.
type refused struct {
	status int
	text   string
	hint   string
}

func (e refused) Error() string { return e.text }

func (p *Pages) serve(w http.ResponseWriter, r *http.Request, handle func(*visit) error) {
	v := &visit{Request: r, w: w, pages: p, session: p.guard.Session(r)}
	if v.session == nil {
		if err := v.signIn(); err != nil {
			v.failed(err)
		}
		return
	}
	if name := r.PathValue("pipeline"); name != "" {
		if v.pipeline = p.server.Pipeline(name); v.pipeline == nil || !v.may(signin.View) {
			v.failed(notFound("There is no such pipeline."))
			return
		}
	}
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		if !v.session.Changes(r) {
			v.failed(refused{http.StatusForbidden, "The form has expired.", "Go back, load the page again, and repeat it."})
			return
		}
	}
	if err := handle(v); err != nil {
		v.failed(err)
	}
}

func notFound(text string) refused {
	return refused{http.StatusNotFound, text, "It may have been removed."}
}

// may reports whether the visitor has a role for the pipeline of the path.
func (v *visit) may(role signin.Role) bool { return v.session.Who.May(role, v.pipeline.Name) }

// need refuses a visitor without a role.
func (v *visit) need(role signin.Role) error { return v.caller().Need(role) }

// caller returns the visitor as one who asks for something.
func (v *visit) caller() ask.Caller {
	return ask.Caller{Server: v.pages.server, Pipeline: v.pipeline, Who: v.session.Who, How: serve.ByPage}
}

func (v *visit) unknown() error { return notFound("There is no such page.") }

// failed answers with an error page.
func (v *visit) failed(err error) {
	var no refused
	var conflict *serve.ConflictError
	var forbidden *serve.ForbiddenError
	var invalid *fault.Invalid
	var role *ask.RoleError
	switch {
	case errors.As(err, &no):
	case errors.As(err, &role):
		no = refused{http.StatusForbidden, fmt.Sprintf("This needs the role %s for %s.", role.Role, role.Pipeline),
			"Ask the person who runs the server."}
		if role.Program {
			no.hint = "Only a person may approve."
		}
	case errors.As(err, &conflict):
		no = refused{http.StatusConflict, conflict.Reason + ".", conflict.Remedy + "."}
	case errors.As(err, &forbidden):
		no = refused{http.StatusForbidden, forbidden.Reason + ".", ""}
	case errors.As(err, &invalid):
		no = refused{http.StatusBadRequest, invalid.Reason + ".", invalid.Remedy + "."}
	case errors.Is(err, history.ErrNotFound):
		no = notFound("There is no such run.")
	case errors.Is(err, fault.ErrStopped):
		no = refused{http.StatusServiceUnavailable, "The server is about to end.", "Try again later."}
	default:
		v.pages.server.Log().Error("a page failed", "path", v.URL.Path, "error", err)
		no = refused{http.StatusInternalServerError, "The page failed.", "The log of the server has the reason."}
	}
	v.message(no.status, http.StatusText(no.status), no.text, no.hint)
}

// message answers with a page of a sentence or two.
func (v *visit) message(status int, title, text, hint string) error {
	return v.render(status, "message.html", title, "", map[string]string{"Text": text, "Hint": hint})
}

// frame is what every page has.
type frame struct {
	Title   string
	Who     string // "" without a session
	Token   string // of the session, for forms
	Version string
	Live    bool // the page changes while it is open
	Data    any
}

// render writes a page. what describes it in a few words for the title.
func (v *visit) render(status int, name, title, what string, data any) error {
	f := frame{Title: title, Version: v.pages.version, Data: data}
	if v.session != nil {
		f.Who, f.Token = v.session.Who.Name, v.session.Token
	}
	if live, is := data.(interface{ live() bool }); is {
		f.Live = live.live()
	}
	if what != "" && title != what {
		f.Title = title + ": " + what
	}
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, f); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	v.w.Write([]byte(v.pages.secrets.Clean(b.String())))
	return nil
}

// to sends the browser to another page after a form.
func (v *visit) to(path string) error {
	http.Redirect(v.w, v.Request, path, http.StatusSeeOther)
	return nil
}

// Refuse answers a request that signin.Guard refuses.
func (p *Pages) Refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
	v := &visit{Request: r, w: w, pages: p}
	if err := v.message(status, http.StatusText(status), text, ""); err != nil {
		v.failed(err)
	}
}

type signInPage struct {
	Path, PersonToken, BackField string
	// Provider is the host of the OpenID provider; "" when there is none. OpenID is the path that
	// leads there.
	Provider, OpenID string
	// Back is the page that the visitor wanted.
	Back string
	// Elsewhere reports that a link of another site led here: the browser has not sent the cookie of
	// a session, and does so when the visitor goes on from this page.
	Elsewhere bool
}

// signIn shows the ways to sign in.
func (v *visit) signIn() error {
	data := signInPage{Path: signin.SignInPath, PersonToken: signin.PersonTokenField, BackField: signin.BackField,
		Provider: v.pages.guard.Provider(), Back: "/"}
	if v.Method == http.MethodGet {
		data.Back = signin.Local(v.URL.RequestURI())
		from := v.Header.Get("Sec-Fetch-Site")
		data.Elsewhere = from == "cross-site" || from == "same-site"
	}
	data.OpenID = signin.OpenIDPath + "?" + url.Values{signin.BackField: {data.Back}}.Encode()
	return v.render(http.StatusUnauthorized, "sign-in.html", "Sign in", "", data)
}

func (v *visit) signOut() error {
	if err := v.caller().Note(v.Context(), ask.Entry{Action: ask.SignOut}, nil); err != nil {
		return err
	}
	v.pages.guard.End(v.w, v.Request)
	v.session = nil
	return v.message(http.StatusOK, "Signed out", "You are signed out.", "")
}
