package preview

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/page"
	"github.com/pipe-engine/pipe/engine/redact"
)

// Options configure a Handler.
type Options struct {
	// Base is the path below which the pages are, such as /pipelines/backstage/search; "" for the
	// root.
	Base string
	// Index returns the index to search, which stays open until release is called; nil while there
	// is none. It may return another one for each request. The Lend of an Index is one.
	Index func() (x *Index, release func())
	// Above are the pages above this one. Each page links to them.
	Above []Link
	// Again returns the form with which the search page reads the documents again. It may be nil:
	// then there is no form.
	Again func(r *http.Request) Again
	// Looked is called before an answer is sent that has documents or the names of people, also when
	// nothing was found, for an audit log; its error refuses the answer. It may be nil.
	Looked func(r *http.Request, l Look) error
	// Secrets are removed from all texts.
	Secrets *redact.Redactor
	Log     *slog.Logger
}

// Look is what was looked for.
type Look struct {
	Kind LookKind
	// Text are the words of a search, the ref of a document (its ID when it is not found), or the part
	// of a name.
	Text string
	// As is the person whose results these are, or the text that means no single person. "" for people.
	As string
	// Missed means that there is no such person or document.
	Missed bool
}

// LookKind is the kind of a Look.
type LookKind int

// The kinds of looks.
const (
	SearchLook   LookKind = iota // documents
	DocumentLook                 // one document
	PeopleLook                   // people with a part of a name
)

// looked reports a look.
func (h *handler) looked(r *http.Request, l Look) error {
	if h.Looked == nil {
		return nil
	}
	return h.Looked(r, l)
}

// Link is a link of a page.
type Link struct{ Text, Address string }

// Again is a form that reads the documents again: a POST to Base.
type Again struct {
	Token   string // the value of the form's field "token"
	Reading bool   // they are being read now
	Err     error  // why they could not be read the last time; nil when they could
}

//go:embed files
var files embed.FS

var (
	templates = template.Must(template.ParseFS(files, "files/*.html"))
	styleText = page.Style() + mustRead("files/preview.css")
	script    = mustRead("files/preview.js")
)

// icon is a magnifying glass.
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="#1f6fc4" stroke-width="2">` +
	`<circle cx="6.5" cy="6.5" r="4.5"/><path d="M10 10l5 5"/></svg>`

func mustRead(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

type handler struct{ Options }

// Handler returns the pages: the search, the page of a document, and what they load. It does not
// check who asks.
func Handler(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &handler{o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+o.Base+"/{$}", h.page("search.html", h.search))
	if o.Base != "" {
		mux.HandleFunc("GET "+o.Base, h.page("search.html", h.search))
	}
	mux.HandleFunc("GET "+o.Base+"/document", h.page("document.html", h.document))
	mux.HandleFunc("GET "+o.Base+"/people", h.people)
	mux.HandleFunc("GET "+o.Base+"/preview.css", asset("text/css; charset=utf-8", styleText))
	mux.HandleFunc("GET "+o.Base+"/preview.js", asset("text/javascript; charset=utf-8", script))
	mux.HandleFunc("GET "+o.Base+"/preview.svg", asset("image/svg+xml", icon))
	return mux
}

func asset(mediaType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.Write([]byte(text))
	}
}

// failure is an answer other than a page with what was asked for.
type failure struct {
	status int
	text   string
}

// Error returns the text.
func (f *failure) Error() string { return f.text }

var errReading = &failure{http.StatusServiceUnavailable, "The documents are being read again, or their texts were " +
	"removed since they were not used. Load the page again."}

// page answers with the page that view returns.
func (h *handler) page(name string, view func(x *Index, r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x, v, err := h.view(r, view)
		if err != nil {
			h.fail(w, x, err)
			return
		}
		h.write(w, http.StatusOK, name, x, v)
	}
}

// view calls view with the index, which is in use until view returns and not while a slow browser
// receives the page.
func (h *handler) view(r *http.Request, view func(*Index, *http.Request) (any, error)) (*Index, any, error) {
	x, release := h.Index()
	if x == nil {
		return nil, nil, errReading
	}
	defer release()
	v, err := view(x, r)
	return x, v, err
}

// query returns the query of a request, and people with a similar name when no single person is
// meant.
func (h *handler) query(x *Index, r *http.Request) (q Query, near []Person, found bool) {
	values := r.URL.Query()
	q = Query{Text: cut(values.Get("q"), maxQuery), View: After}
	if values.Get("view") == "before" {
		q.View = Before
	}
	q.Page, _ = strconv.Atoi(values.Get("page"))
	q.Page = max(q.Page-1, 0)
	for _, f := range values["f"] {
		if name, value, ok := strings.Cut(f, ":"); ok && len(q.Facets) < maxWords {
			q.Facets = append(q.Facets, FacetValue{Name: name, Value: value})
		}
	}
	q.Person, near, found = x.Pick(cut(values.Get("as"), maxQuery))
	return q, near, found
}

func (h *handler) search(x *Index, r *http.Request) (any, error) {
	q, near, found := h.query(x, r)
	as := cut(r.URL.Query().Get("as"), maxQuery)
	v := h.searchView(x, q, as)
	if h.Again != nil {
		v.again(h.Again(r))
	}
	if !found {
		if err := h.looked(r, Look{Kind: SearchLook, Text: q.Text, As: as, Missed: true}); err != nil {
			return nil, err
		}
		v.Unknown = true
		for _, p := range near {
			v.Near = append(v.Near, Link{p.String(), h.address(q, p.Email, nil)})
		}
		return page.Clean(v, h.Secrets), nil
	}
	results, err := x.Search(r.Context(), q)
	if err == nil {
		err = h.looked(r, Look{Kind: SearchLook, Text: q.Text, As: q.Person.String()})
	}
	if err != nil {
		return nil, err
	}
	h.results(&v, x, q, results)
	return page.Clean(v, h.Secrets), nil
}

func (h *handler) document(x *Index, r *http.Request) (any, error) {
	q, _, found := h.query(x, r)
	look := Look{Kind: DocumentLook, Text: cut(r.URL.Query().Get("id"), maxQuery), As: q.Person.String()}
	var d *Document
	err := ErrNotFound
	if found {
		d, err = x.Document(r.Context(), r.URL.Query().Get("id"), q.Person, q.View)
	} else {
		look.As = cut(r.URL.Query().Get("as"), maxQuery)
	}
	switch {
	case err == nil:
		look.Text = d.Card.Ref
	case errors.Is(err, ErrNotFound):
		look.Missed = true
	default:
		return nil, err
	}
	if err := h.looked(r, look); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	return page.Clean(h.documentView(x, q, d), h.Secrets), nil
}

// people answers the part of a name with people, for the field of the person.
func (h *handler) people(w http.ResponseWriter, r *http.Request) {
	names := []string{}
	if x, release := h.Index(); x != nil {
		defer release()
		const shown = 20
		part := cut(r.URL.Query().Get("q"), maxQuery)
		if err := h.looked(r, Look{Kind: PeopleLook, Text: part}); err != nil {
			h.fail(w, nil, err)
			return
		}
		for _, p := range x.Match(part, shown) {
			names = append(names, p.String())
		}
	}
	b, err := codec.Marshal(page.Clean(names, h.Secrets))
	if err != nil {
		h.fail(w, nil, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(b)
}

// fail writes a page with an error. Errors that are not for people are logged.
func (h *handler) fail(w http.ResponseWriter, x *Index, err error) {
	f := &failure{http.StatusInternalServerError, "The search failed. The log of pipe says why."}
	switch {
	case errors.As(err, &f):
	case errors.Is(err, ErrClosed):
		f = errReading
	case errors.Is(err, ErrNotFound):
		f = &failure{http.StatusNotFound, "There is no such document, or this person does not find it."}
	default:
		h.Log.Error("the search failed", "error", err)
	}
	h.write(w, f.status, "fault.html", x, faultView{Text: f.text})
}

// write renders a page; x may be nil.
func (h *handler) write(w http.ResponseWriter, status int, name string, x *Index, v any) {
	frame := struct {
		Base, Pipeline string
		Above          []Link
		Page           any
	}{Base: h.Base, Above: h.Above, Page: v}
	if x != nil {
		frame.Pipeline = x.Pipeline
	}
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, frame); err != nil {
		h.Log.Error("the page was not rendered", "error", err)
		http.Error(w, "The page was not rendered. The log of pipe says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// address returns the address of a search: that of q with another person, and changed by change
// if it is not nil.
func (h *handler) address(q Query, as string, change func(url.Values)) string {
	return h.Base + "/?" + encode(q, as, change)
}

func encode(q Query, as string, change func(url.Values)) string {
	values := url.Values{}
	set := func(name, value string) {
		if value != "" {
			values.Set(name, value)
		}
	}
	set("q", q.Text)
	set("as", as)
	if q.View == Before {
		set("view", "before")
	}
	for _, f := range q.Facets {
		values.Add("f", f.Name+":"+f.Value)
	}
	if change != nil {
		change(values)
	}
	return values.Encode()
}
