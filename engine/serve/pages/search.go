package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/ask"
	"github.com/pipe-engine/pipe/engine/serve/preview"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// searchPath returns the path below which the search of a pipeline is.
func searchPath(pipeline string) string { return "/pipelines/" + url.PathEscape(pipeline) + "/search" }

// lookActions are the actions of the audit log for looks.
var lookActions = map[preview.LookKind]string{preview.SearchLook: serve.ActSearch, preview.DocumentLook: serve.ActOpen,
	preview.PeopleLook: serve.ActPeople}

// searchOf returns the pages for searching as a person. Each look is in the audit log, with the
// person whose results they are.
func (p *Pages) searchOf(one *serve.Pipeline) http.Handler {
	looked := func(r *http.Request, l preview.Look) error {
		s := p.guard.Session(r)
		if s == nil {
			return refused{http.StatusUnauthorized, "Your session has ended.", ""}
		}
		e := ask.Entry{Action: lookActions[l.Kind], Detail: l.Text}
		if l.As != "" {
			e.Detail = strings.TrimSpace(e.Detail + " as " + l.As)
		}
		var missed error
		if l.Missed {
			missed = preview.ErrNotFound
		}
		caller := ask.Caller{Server: p.server, Pipeline: one, Who: s.Who, How: serve.ByPage}
		if err := caller.Note(r.Context(), e, missed); !errors.Is(err, preview.ErrNotFound) {
			return err
		}
		return nil
	}
	again := func(r *http.Request) preview.Again {
		out := preview.Again{}
		if s := p.guard.Session(r); s != nil {
			out.Token = s.Token
		}
		status := one.SearchStatus()
		out.Reading, out.Err = status.Reading, status.Err
		return out
	}
	return preview.Handler(preview.Options{
		Above: []preview.Link{{Text: "Home", Address: "/"},
			{Text: one.Name, Address: "/pipelines/" + url.PathEscape(one.Name)}},
		Again: again,
		Base:  searchPath(one.Name), Index: one.Index, Secrets: p.secrets, Log: p.server.Log(),
		Looked: looked,
	})
}

type searchPage struct {
	Name   string
	Status serve.SearchStatus
	Error  string
}

func (s searchPage) live() bool { return s.Status.Reading }

// search answers with the pages of package preview, or with a form that reads the documents.
func (v *visit) search() error {
	if err := v.need(signin.Inspect); err != nil {
		return err
	}
	status := v.pipeline.SearchStatus()
	if status.Ready {
		v.pages.search[v.pipeline.Name].ServeHTTP(v.w, v.Request)
		return nil
	}
	data := searchPage{Name: v.pipeline.Name, Status: status}
	if status.Err != nil {
		data.Error = status.Err.Error()
	}
	return v.render(http.StatusOK, "search-read.html", v.pipeline.Name, "search as a person", data)
}

// readIndex reads the documents again.
func (v *visit) readIndex() error {
	if _, err := v.caller().ReadDocuments(v.Context()); err != nil {
		return err
	}
	return v.to(searchPath(v.pipeline.Name))
}
