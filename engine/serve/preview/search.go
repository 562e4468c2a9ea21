package preview

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
)

// Query is a search as a person.
type Query struct {
	Text   string // "" for all documents, by title
	Person Person
	View   View
	// Facets are the values that results must have: one of those with the same name.
	Facets []FacetValue
	Page   int // from 0
}

// PageSize is the number of results of a page.
const PageSize = 10

// FacetValue is a value of a facet. Label is the facet's name for people, and N the number of
// documents of a search that have the value.
type FacetValue struct {
	Name, Label, Value string
	N                  int
}

// Facet is the values of one facet, the most frequent first.
type Facet struct {
	Name, Label string
	Values      []FacetValue
	More        int // values that are left out
}

// Results are a page of a search. All of it is of documents that the person finds.
type Results struct {
	Total  int
	Hits   []Hit
	Facets []Facet
}

// Hit is a document that a person finds.
type Hit struct {
	ID, Ref, Type, Owner, URL string
	Title, Snippet            []Part
	Updated                   time.Time
	Properties                []component.CardProperty
	Audience                  access.Audience
	// Other reports whether the person finds the document in the other view, too.
	Other bool
}

// Part is a part of a text. Hit means that it is what was searched for.
type Part struct {
	Text string
	Hit  bool
}

// hitBegin and hitEnd mark hits in the texts that SQLite returns; plainText keeps them out of the
// index.
const (
	hitBegin = "\x02"
	hitEnd   = "\x03"
)

// permit is the condition on a document d that a person finds it, with the arguments of
// permitArgs.
func (v View) permit() string {
	return " (d." + v.column() + " >= ? OR d.id IN (SELECT a.doc FROM member m JOIN acl a ON a.view = m.view " +
		"AND a.principal = m.principal WHERE m.person = ? AND m.view = ?))"
}

func (v View) column() string {
	if v == Before {
		return "before"
	}
	return "after"
}

func (v View) other() View { return Before + After - v }

// permitArgs returns the arguments of permit: the narrowest audience by which the person finds a
// document without being listed, the person, and the view.
func (x *Index) permitArgs(v View, p Person) []any {
	least := access.DatasourceUsers
	if v == Before && p.number > 0 && !x.people[p.number-1].before {
		least = access.AllUsers
	}
	return []any{int(least), p.number, int(v)}
}

// Search returns the documents that a person finds. It returns ErrClosed after Close.
func (x *Index) Search(ctx context.Context, q Query) (*Results, error) {
	if err := x.begin(); err != nil {
		return nil, err
	}
	defer x.end(&x.searches)
	found, err := x.found(ctx, q)
	if err != nil {
		return nil, err
	}
	found = x.filter(found, q.Facets)
	r := &Results{Total: len(found), Facets: x.count(found)}
	begin := min(max(q.Page, 0), max(len(found)-1, 0)/PageSize) * PageSize
	page := inOrder(found, begin, min(begin+PageSize, len(found)))
	if len(page) == 0 {
		return r, nil
	}
	r.Hits, err = x.hits(ctx, q, page)
	return r, err
}

// match is a document that a search found. The best one has the least rank.
type match struct{ id, rank int64 }

func (m match) compare(other match) int {
	return cmp.Or(cmp.Compare(m.rank, other.rank), cmp.Compare(m.id, other.id))
}

// found returns the documents with the words of a query that the person finds. They come as one row
// with two lists of numbers: a row for each document takes most of the time of a search.
func (x *Index) found(ctx context.Context, q Query) ([]match, error) {
	text, args := "SELECT group_concat(d.id), NULL FROM doc d WHERE"+q.View.permit(), []any(nil)
	words := matchOf(q.Text)
	if words != "" {
		// Without the limit, bm25 would have to be computed after the search.
		text = "SELECT group_concat(id), group_concat(rank) FROM (" +
			"SELECT d.id AS id, CAST(bm25(fts, 10.0, 3.0, 1.0) * 1e15 AS INTEGER) AS rank " +
			"FROM fts JOIN doc d ON d.id = fts.rowid WHERE fts MATCH ? AND" + q.View.permit() + " LIMIT -1)"
		args = append(args, words)
	}
	var ids, ranks sql.RawBytes
	rows, err := x.db.QueryContext(ctx, text, append(args, x.permitArgs(q.View, q.Person)...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	rows.Next() // there is one row
	if err := rows.Scan(&ids, &ranks); err != nil {
		return nil, errors.Join(err, rows.Err())
	}
	out := make([]match, 0, bytes.Count(ids, []byte{','})+1)
	for id, rest := nextNumber(ids); id > 0; id, rest = nextNumber(rest) {
		one := match{id: id, rank: int64(x.byTitle[id-1])}
		if words != "" {
			one.rank, ranks = nextNumber(ranks)
		}
		out = append(out, one)
	}
	return out, rows.Err()
}

// nextNumber returns the first number of a list that SQLite made, and the rest of the list; 0 at
// the end of it.
func nextNumber(list []byte) (n int64, rest []byte) {
	sign := int64(1)
	for i, c := range list {
		switch c {
		case ',':
			return sign * n, list[i+1:]
		case '-':
			sign = -1
		default:
			n = n*10 + int64(c-'0')
		}
	}
	return sign * n, nil
}

// inOrder returns some documents by their places in the order of rank: from begin up to, and
// without, end.
func inOrder(found []match, begin, end int) []int64 {
	const few = 100 // more are sorted
	if end <= few {
		found = best(found, end)
	} else {
		found = slices.SortedFunc(slices.Values(found), match.compare)
	}
	out := make([]int64, 0, end-begin)
	for _, m := range found[begin:end] {
		out = append(out, m.id)
	}
	return out
}

// best returns the n best documents in order.
func best(found []match, n int) []match {
	out := make([]match, 0, n+1)
	for _, m := range found {
		if len(out) == n && (n == 0 || m.compare(out[n-1]) > 0) {
			continue
		}
		at, _ := slices.BinarySearchFunc(out, m, match.compare)
		out = slices.Insert(out, at, m)
		out = out[:min(len(out), n)]
	}
	return out
}

// facetsOf returns the numbers of the values of facets that a document has.
func (x *Index) facetsOf(id int64) []int32 { return x.facets[x.facetsAt[id-1]:x.facetsAt[id]] }

// filter returns the documents that have a value of every facet that is named.
func (x *Index) filter(found []match, facets []FacetValue) []match {
	wanted := map[string][]int32{}
	for _, f := range facets {
		i := slices.IndexFunc(x.values, func(v FacetValue) bool { return v.Name == f.Name && v.Value == f.Value })
		wanted[f.Name] = append(wanted[f.Name], int32(i))
	}
	if len(wanted) == 0 {
		return found
	}
	return slices.DeleteFunc(found, func(m match) bool {
		for _, any := range wanted {
			if !slices.ContainsFunc(x.facetsOf(m.id), func(v int32) bool { return slices.Contains(any, v) }) {
				return true
			}
		}
		return false
	})
}

// The most facets, and values of one, that results have.
const (
	maxFacets = 8
	maxValues = 8
)

// count returns the facets of documents.
func (x *Index) count(found []match) []Facet {
	counts := make([]int, len(x.values))
	for _, m := range found {
		for _, v := range x.facetsOf(m.id) {
			counts[v]++
		}
	}
	var out []Facet
	for i, n := range counts {
		if n == 0 {
			continue
		}
		v := x.values[i]
		at := slices.IndexFunc(out, func(f Facet) bool { return f.Name == v.Name })
		if at < 0 {
			at = len(out)
			out = append(out, Facet{Name: v.Name, Label: v.Label})
		}
		v.N = n
		out[at].Values = append(out[at].Values, v)
	}
	for i := range out {
		f := &out[i]
		slices.SortFunc(f.Values, func(a, b FacetValue) int {
			return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Value, b.Value))
		})
		f.More = max(0, len(f.Values)-maxValues)
		f.Values = f.Values[:len(f.Values)-f.More]
	}
	return out[:min(len(out), maxFacets)]
}

// hits returns the documents of a page.
func (x *Index) hits(ctx context.Context, q Query, ids []int64) ([]Hit, error) {
	other := q.View.other()
	texts := "d.title, substr(fts.text, 1, 240)"
	where := " WHERE fts.rowid IN (" + strings.TrimSuffix(strings.Repeat("?, ", len(ids)), ", ") + ")"
	args := x.permitArgs(other, q.Person)
	for _, id := range ids {
		args = append(args, id)
	}
	if words := matchOf(q.Text); words != "" {
		texts = "highlight(fts, 0, char(2), char(3)), snippet(fts, 2, char(2), char(3), '…', 32)"
		// One pass over the documents with the words, instead of one for each document of the page.
		where = strings.Replace(where, "fts.rowid", "+fts.rowid", 1) + " AND fts MATCH ? AND fts.rowid BETWEEN ? AND ?"
		args = append(args, words, slices.Min(ids), slices.Max(ids))
	}
	rows, err := x.db.QueryContext(ctx, "SELECT d.id, d.key, d."+q.View.column()+", c.card,"+other.permit()+", "+texts+
		" FROM fts JOIN doc d ON d.id = fts.rowid JOIN content c ON c.doc = d.id"+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make([]Hit, len(ids))
	for rows.Next() {
		var id int64
		var h Hit
		var audience int
		var shown []byte
		var title, snippet string
		if err := rows.Scan(&id, &h.ID, &audience, &shown, &h.Other, &title, &snippet); err != nil {
			return nil, err
		}
		var c card
		if err := codec.Unmarshal(shown, &c); err != nil {
			return nil, err
		}
		h.Ref, h.Type, h.Owner, h.URL, h.Updated, h.Properties = c.Ref, c.Type, c.Owner, c.URL, c.Updated, c.Properties
		h.Audience, h.Title, h.Snippet = access.Audience(audience), parts(title), parts(snippet)
		out[slices.Index(ids, id)] = h
	}
	return out, rows.Err()
}

// parts splits a text at the marks of hits.
func parts(text string) []Part {
	var out []Part
	for text != "" {
		before, rest, _ := strings.Cut(text, hitBegin)
		if before != "" {
			out = append(out, Part{Text: before})
		}
		var hit string
		if hit, text, _ = strings.Cut(rest, hitEnd); hit != "" {
			out = append(out, Part{Text: hit, Hit: true})
		}
	}
	return out
}
