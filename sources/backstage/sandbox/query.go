package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// defaultLimit is the page size when the request names none.
const defaultLimit = 200

// byQuery answers GET /entities/by-query.
func (s *Server) byQuery(w http.ResponseWriter, r *http.Request) {
	q, problem := s.parseQuery(r.URL.Query())
	if problem != nil {
		problem.write(w, r)
		return
	}
	f, problem := parseFilter(q.at.Filter)
	if problem != nil {
		problem.write(w, r)
		return
	}
	q.answer(w, r, s.catalog.Load().view(f, q.at.field()))
}

// query is a request for one page.
type query struct {
	at      cursor // After is empty at the start
	limit   int
	offset  int
	uncount bool // totalItems=exclude
}

func (s *Server) parseQuery(v url.Values) (query, *problem) {
	q := query{limit: defaultLimit, at: cursor{Filter: v["filter"], Page: 1}}
	for name := range v {
		if !s.release.knows(name) {
			p := invalid("Unknown query parameter '%s'", name)
			return q, &p
		}
		if v.Get(name) == "" {
			p := invalid("Empty value found for query parameter '%s'", name)
			return q, &p
		}
	}
	for name, into := range map[string]*int{"limit": &q.limit, "offset": &q.offset} {
		if !v.Has(name) {
			continue
		}
		n, err := strconv.Atoi(v.Get(name))
		if err != nil || len(v[name]) > 1 {
			p := invalid("request/query/%s must be integer", name)
			return q, &p
		}
		if n < 0 {
			p := invalid("request/query/%s must be >= 0", name)
			return q, &p
		}
		*into = n
	}
	q.uncount = v.Get("totalItems") == "exclude"
	if v.Has("cursor") {
		c, err := parseCursor(v.Get("cursor"))
		if err != nil {
			p := invalid("Malformed cursor: %s", err)
			return q, &p
		}
		q.at = c
		return q, nil
	}
	if field, direction, _ := strings.Cut(v.Get("orderField"), ","); field != "" {
		if direction != "" && direction != "asc" && direction != "desc" {
			p := invalid("Invalid order field order, must be asc or desc")
			return q, &p
		}
		q.at.Order = []order{{field, direction}}
	}
	return q, nil
}

// answer writes the page of rows at the query's position.
func (q query) answer(w http.ResponseWriter, request *http.Request, v view) {
	changes := changesOf(request)
	v = changes.view(v, q.at.field())
	rows := v.rows
	if q.at.descending() {
		rows = slices.Clone(rows)
		slices.Reverse(rows)
	}
	from, to := q.bounds(rows)
	page := rows[from:to]
	var items [][]byte
	for _, r := range page {
		shown, ok := changes.show(r.entry)
		if !ok {
			WriteError(w, request, http.StatusInternalServerError)
			return
		}
		items = append(items, shown)
	}

	first := q.at.First
	total := v.entities
	if len(q.at.After) > 0 {
		total = q.at.Total
	} else {
		if len(page) > 0 {
			first = q.at.place(page[0])
		}
		if changes.Total != nil {
			total = changes.Total(total)
		}
		if q.uncount {
			total = 0
		}
	}
	link := func(previous bool, at row, number int) string {
		c := q.at
		c.Previous, c.After, c.First, c.Total, c.Page = previous, c.place(at), first, total, number
		return c.String()
	}
	var next, prev string
	if len(page) > 0 && to < len(rows) {
		next = link(false, page[len(page)-1], q.at.Page+1)
	}
	if len(page) > 0 && from > 0 && !slices.Equal(q.at.place(page[0]), first) {
		prev = link(true, page[0], q.at.Page-1)
	}

	if changes.Page != nil {
		p := Page{Filter: q.at.Filter, Number: q.at.Page, Limit: q.limit, Last: to == len(rows), Items: items, Next: next,
			Again:  func() string { return q.again(link) },
			Beyond: func() string { return link(false, row{value: beyond, entry: &entry{uid: beyond}}, q.at.Page+1) },
		}
		changes.Page(&p)
		items, next = p.Items, p.Next
	}
	b := newBody()
	defer b.free()
	b.list(items)
	b.bytes = fmt.Appendf(b.bytes, `,"totalItems":%d,"pageInfo":{`, total)
	b.link("nextCursor", next)
	if prev != "" && next != "" {
		b.bytes = append(b.bytes, ',')
	}
	b.link("prevCursor", prev)
	b.bytes = append(b.bytes, "}}"...)
	b.write(w, request)
}

// beyond sorts after every entity in any order.
const beyond = "\U0010FFFF"

// again is a cursor that leads to the same page again.
func (q query) again(link func(bool, row, int) string) string {
	if len(q.at.After) == 0 { // before everything
		return link(false, row{entry: &entry{}}, q.at.Page)
	}
	return link(false, q.at.row(), q.at.Page)
}

// bounds returns the rows of the page: those after the cursor's position, or the last ones
// before it.
func (q query) bounds(rows []row) (from, to int) {
	if len(q.at.After) == 0 {
		from = min(q.offset, len(rows))
		return from, min(from+q.limit, len(rows))
	}
	place := q.at.row()
	order := func(i int) int {
		if q.at.descending() {
			return place.compare(rows[i])
		}
		return rows[i].compare(place)
	}
	if q.at.Previous {
		to = sort.Search(len(rows), func(i int) bool { return order(i) >= 0 })
		return max(0, to-q.limit), to
	}
	from = sort.Search(len(rows), func(i int) bool { return order(i) > 0 })
	return from, min(from+q.limit, len(rows))
}
