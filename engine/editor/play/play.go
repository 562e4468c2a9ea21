package play

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/editor/analysis"
	"github.com/pipe-engine/pipe/engine/editor/text"
	"github.com/pipe-engine/pipe/engine/editor/turn"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/page"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/serve/signin"
	"github.com/pipe-engine/pipe/engine/suite"
)

// Options configure a Playground.
type Options struct {
	// File is the path of the pipeline file.
	File string
	// ReadOnly leaves saving out.
	ReadOnly bool
	Host     analysis.Host
	// Session returns the session of a request; nil when it has none. See signin.Guard.Session.
	Session func(r *http.Request) *signin.Session
	// Secrets are removed from what is shown of the sample.
	Secrets *redact.Redactor
	Log     *slog.Logger // nil drops the lines
}

// Playground is the page of one pipeline file.
type Playground struct {
	o         Options
	path      string // of the file, for analysis
	real      string // without links
	workspace *analysis.Workspace
	turns     *turn.Turns
	mux       *http.ServeMux
}

//go:embed files
var files embed.FS

var templates = template.Must(template.ParseFS(files, "files/*.html"))

// The bounds of a request.
const (
	maxBody = 1 << 20
	// longest is how long the work for a request may take, waiting included.
	longest = 10 * time.Second
)

// icon is a play button.
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M3 1.5l11 6.5L3 14.5z" fill="#1f6fc4"/></svg>`

// New returns the page of a file. It returns a *fault.Invalid when the file cannot be shown.
func New(o Options) (*Playground, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if suite.IsTestFile(o.File) {
		return nil, &fault.Invalid{Reason: o.File + " is a file of tests", Remedy: "name the pipeline file that it tests"}
	}
	real, err := resolve(o.File)
	if err != nil {
		return nil, err
	}
	if _, err := read(real); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(o.File)
	if err != nil {
		return nil, err
	}
	p := &Playground{o: o, path: path, real: real, mux: http.NewServeMux(), turns: turn.New(o.Log),
		workspace: analysis.New(o.Host, []string{filepath.Dir(path)})}
	p.mux.HandleFunc("GET /{$}", p.page)
	p.mux.HandleFunc("GET /play.css", asset("text/css; charset=utf-8", page.Style()+mustRead("files/play.css")))
	p.mux.HandleFunc("GET /play.js", asset("text/javascript; charset=utf-8", mustRead("files/play.js")))
	p.mux.HandleFunc("GET /play.svg", asset("image/svg+xml", icon))
	p.post("/evaluate", p.evaluate)
	p.post("/fixes", p.fixes)
	p.post("/complete", p.complete)
	if !o.ReadOnly {
		p.post("/save", p.save)
	}
	return p, nil
}

func mustRead(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func asset(mediaType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.Write([]byte(text))
	}
}

// ServeHTTP implements http.Handler. Its requests have passed signin.Guard.Protect and have a session.
func (p *Playground) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// page answers with the page and the file as it is now.
func (p *Playground) page(w http.ResponseWriter, r *http.Request) {
	session := p.o.Session(r)
	if session == nil {
		http.Error(w, "There is no session.", http.StatusUnauthorized)
		return
	}
	c, err := read(p.real)
	if err != nil {
		http.Error(w, "The file cannot be read: "+err.Error()+".", http.StatusInternalServerError)
		return
	}
	v := struct {
		Name, Tests, Text, Hash, Token, Unsavable string
		Saves, Fixtures                           bool
	}{Name: filepath.Base(p.path), Tests: filepath.Base(suite.TestPath(p.path)), Text: c.text, Hash: c.hash,
		Token: session.Token, Unsavable: c.unsavable, Saves: !p.o.ReadOnly && c.unsavable == "",
		Fixtures: p.workspace.HasFixtures(p.path)}
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, "page.html", v); err != nil {
		p.o.Log.Error("the page was not rendered", "error", err)
		http.Error(w, "The page was not rendered. The log of pipe says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes())
}

// refused is an answer other than the one that was asked for. Its text is a sentence or two.
type refused struct {
	status int
	text   string
}

func (e refused) Error() string { return e.text }

// post adds a path whose requests come from the page of the session.
func (p *Playground) post(path string, answer func(r *http.Request) (any, error)) {
	p.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v, err := p.checked(r, answer)
		var b []byte
		if err == nil {
			b, err = codec.Marshal(v)
		}
		if err != nil {
			p.fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(b)
	})
}

func (p *Playground) checked(r *http.Request, answer func(r *http.Request) (any, error)) (any, error) {
	if err := r.ParseForm(); errors.As(err, new(*http.MaxBytesError)) || len(r.PostForm.Get("text")) > maxFile {
		return nil, refused{http.StatusRequestEntityTooLarge,
			fmt.Sprintf("The text has more than %d KiB.", maxFile>>10)}
	}
	if !p.o.Session(r).Changes(r) {
		return nil, refused{http.StatusForbidden, "The page has expired. Copy your changes, and load it again."}
	}
	return answer(r)
}

func (p *Playground) fail(w http.ResponseWriter, err error) {
	var no refused
	var other conflict
	switch {
	case errors.As(err, &no):
	case errors.As(err, &other):
		no = refused{http.StatusConflict, other.text}
	case errors.Is(err, turn.ErrLate):
		no = refused{http.StatusServiceUnavailable, fmt.Sprintf("This took longer than %s.", longest)}
	case errors.Is(err, turn.ErrDefect): // it is in the log
		no = refused{http.StatusInternalServerError, "This failed: it is a defect in pipe. The log of pipe says where."}
	case errors.Is(err, context.Canceled): // the page has asked again
		no = refused{http.StatusServiceUnavailable, "Not needed any more."}
	default:
		p.o.Log.Error("a request of the page failed", "error", err)
		no = refused{http.StatusInternalServerError, "This failed: " + err.Error() + "."}
	}
	http.Error(w, no.text, no.status)
}

// work calls do with the workspace when the text of the request is in it.
func work[T any](p *Playground, r *http.Request, do func(context.Context, *analysis.Workspace) (T, error)) (T, error) {
	return turn.Do(r.Context(), p.turns, longest, func(ctx context.Context) (T, error) {
		if written := unixLines(r.PostForm.Get("text")); p.workspace.Document(p.path).Text() != written {
			p.workspace.Set(p.path, written)
		}
		return do(ctx, p.workspace)
	})
}

// unixLines returns a text whose lines end with LF, as a text area has them.
func unixLines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// save writes the text into the file.
func (p *Playground) save(r *http.Request) (any, error) {
	hash, err := work(p, r, func(context.Context, *analysis.Workspace) (string, error) {
		return save(p.real, unixLines(r.PostForm.Get("text")), r.PostForm.Get("hash"))
	})
	return map[string]string{"hash": hash}, err
}

// edit replaces a part of the text.
type edit struct {
	From text.Position `json:"from"`
	To   text.Position `json:"to"`
	New  string        `json:"new"`
}

func editOf(d *text.Document, e text.Edit) edit {
	return edit{d.Position(e.From), d.Position(e.To), e.New}
}
