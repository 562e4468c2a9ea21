package pages

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/preview"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// searchPath returns the path below which the search of a pipeline is.
func searchPath(pipeline string) string { return "/pipelines/" + url.PathEscape(pipeline) + "/search" }

// searchOf returns the pages for searching as a person. Each search and each document that is
// opened is in the audit log, with the person whose results they are.
func (p *Pages) searchOf(one *serve.Pipeline) http.Handler {
	act := func(r *http.Request, action, detail string, as preview.Person) error {
		s := p.guard.Session(r)
		if s == nil {
			return refused{http.StatusUnauthorized, "Your session has ended.", ""}
		}
		if name := as.String(); name != "" {
			detail += " as " + name
		}
		return p.server.History.Act(r.Context(), history.Action{At: p.server.Now(), Who: s.Who.Name, Action: action,
			Pipeline: one.Name, Detail: strings.TrimSpace(detail)})
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
		Searched: func(r *http.Request, q preview.Query, _ int) error { return act(r, serve.ActSearch, q.Text, q.Person) },
		Opened: func(r *http.Request, q preview.Query, d *preview.Document) error {
			return act(r, serve.ActOpen, d.Card.Ref, q.Person)
		},
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
	if err := v.need(signin.Inspect); err != nil {
		return err
	}
	if err := v.act(serve.ActRead, "", ""); err != nil {
		return err
	}
	if err := v.pipeline.ReadIndex(); err != nil {
		return err
	}
	return v.to(searchPath(v.pipeline.Name))
}
