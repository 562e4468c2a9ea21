package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/preview"
)

// readingTime is how long a call waits for documents that are being read.
const readingTime = 20 * time.Second

// documentsStatus is whether the documents of a pipeline were read.
type documentsStatus struct {
	Reading bool      `json:"reading"`
	Read    time.Time `json:"read,omitzero"`
	Error   string    `json:"error,omitempty"`
}

func (c *call) documentsStatus() documentsStatus {
	now := c.pipeline.SearchStatus()
	s := documentsStatus{Reading: now.Reading, Read: now.Built.UTC()}
	if now.Err != nil {
		s.Error = now.Err.Error()
	}
	return s
}

// documents returns whether the documents were read.
func (c *call) documents() (int, any, error) { return http.StatusOK, c.documentsStatus(), nil }

// readDocuments reads the documents, also when they were read before.
func (c *call) readDocuments() (int, any, error) {
	if err := c.beginReading(); err != nil {
		return 0, nil, err
	}
	if err := c.pipeline.ReadIndex(); err != nil {
		return 0, nil, err
	}
	return http.StatusAccepted, c.documentsStatus(), nil
}

func (c *call) beginReading() error { return c.act(serve.ActRead, "", "") }

// withIndex calls use with the documents. While there are none, it has them read and waits; when
// that takes long, the answer says when to ask again.
func (c *call) withIndex(use func(x *preview.Index) (int, any, error)) (int, any, error) {
	ctx, cancel := context.WithTimeout(c.Context(), readingTime)
	defer cancel()
	x, release, err := c.pipeline.AwaitIndex(ctx, c.beginReading)
	if errors.Is(err, context.DeadlineExceeded) {
		c.w.Header().Set("Retry-After", "1") // the next call waits, too
		return http.StatusAccepted, c.documentsStatus(), nil
	}
	if err != nil {
		return 0, nil, err
	}
	defer release()
	return use(x)
}

// as returns what the audit log says of an action with the results of a person.
func as(what, person string) string { return strings.TrimSpace(what + " as " + person) }

// explain returns how a record becomes a document, and whether a person finds it.
func (c *call) explain() (int, any, error) {
	ref, who := c.PathValue("ref"), strings.TrimSpace(c.URL.Query().Get("person"))
	if ref == "" {
		return 0, nil, badRequest{"the path names no record", "write its ref at the end of the path"}
	}
	return c.withIndex(func(x *preview.Index) (int, any, error) {
		e, err := x.Explain(c.Context(), ref, who)
		if err != nil {
			return 0, nil, err
		}
		detail := e.Ref
		if p, known := x.Person(who); known && who != "" {
			detail = as(e.Ref, p.String())
		} else if who != "" {
			detail = as(e.Ref, short(who))
		}
		if err := c.act(serve.ActOpen, "", detail); err != nil {
			return 0, nil, err
		}
		return http.StatusOK, struct {
			Read time.Time `json:"read"`
			*explain.Explanation
		}{x.Built.UTC(), e}, nil
	})
}

// found is a document that a search found.
type found struct {
	ID         string     `json:"id"`
	Ref        string     `json:"ref"`
	Title      string     `json:"title"`
	Type       string     `json:"type,omitempty"`
	Owner      string     `json:"owner,omitempty"`
	URL        string     `json:"url,omitempty"`
	Updated    time.Time  `json:"updated,omitzero"`
	Snippet    string     `json:"snippet"`
	Properties []property `json:"properties"`
	Audience   string     `json:"audience"`
}

type property struct {
	Name   string   `json:"name"`
	Label  string   `json:"label"`
	Values []string `json:"values"`
}

func newFound(h preview.Hit) found {
	out := found{ID: h.ID, Ref: h.Ref, Title: text(h.Title), Type: h.Type, Owner: h.Owner, URL: h.URL, Updated: h.Updated,
		Snippet: text(h.Snippet), Properties: []property{}, Audience: h.Audience.String()}
	for _, p := range h.Properties {
		out.Properties = append(out.Properties, newProperty(p))
	}
	return out
}

func newProperty(p component.CardProperty) property {
	return property{p.Name, p.Label, append([]string{}, p.Values...)}
}

// text returns a text without its marks.
func text(parts []preview.Part) string {
	var out strings.Builder
	for _, p := range parts {
		out.WriteString(p.Text)
	}
	return out.String()
}

// search returns the documents that a person finds.
func (c *call) search() (int, any, error) {
	values := c.URL.Query()
	page := 1
	if text := values.Get("page"); text != "" {
		var err error
		if page, err = strconv.Atoi(text); err != nil || page < 1 {
			return 0, nil, badRequest{fmt.Sprintf("page is %q", short(text)), "write a number from 1"}
		}
	}
	return c.withIndex(func(x *preview.Index) (int, any, error) {
		q := preview.Query{Text: values.Get("q"), View: preview.After, Page: page - 1}
		var known bool
		if q.Person, known = x.Person(values.Get("person")); !known {
			return http.StatusNotFound, newProblem("not_found", "there is no active user "+short(values.Get("person")),
				"write an e-mail, or the ref of a user"), nil
		}
		r, err := x.Search(c.Context(), q)
		if err != nil {
			return 0, nil, err
		}
		if err := c.act(serve.ActSearch, "", as(short(q.Text), q.Person.String())); err != nil {
			return 0, nil, err
		}
		answer := struct {
			Read      time.Time `json:"read"`
			Person    string    `json:"person,omitempty"`
			Total     int       `json:"total"`
			Page      int       `json:"page"`
			PageSize  int       `json:"page_size"`
			Documents []found   `json:"documents"`
		}{x.Built.UTC(), q.Person.Email, r.Total, page, preview.PageSize, []found{}}
		if q.Page*preview.PageSize >= r.Total {
			r.Hits = nil // those of the last page
		}
		for _, h := range r.Hits {
			answer.Documents = append(answer.Documents, newFound(h))
		}
		return http.StatusOK, answer, nil
	})
}
