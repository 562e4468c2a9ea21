package sandbox

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
)

// byRefs answers POST /entities/by-refs: the entities in the order of the refs, null for a
// missing one, refs compared byte by byte.
func (s *Server) byRefs(w http.ResponseWriter, r *http.Request) {
	var request struct {
		EntityRefs *[]string `json:"entityRefs"`
	}
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = codec.Unmarshal(text, &request)
	}
	if err != nil {
		invalid("%s", err).write(w, r)
		return
	}
	if request.EntityRefs == nil {
		invalid("request/body must have required property 'entityRefs'").write(w, r)
		return
	}
	f, problem := parseFilter(r.URL.Query()["filter"])
	if problem != nil {
		problem.write(w, r)
		return
	}
	c, changes := s.catalog.Load(), changesOf(r)
	items := make([][]byte, len(*request.EntityRefs))
	for i, ref := range *request.EntityRefs {
		e := c.byRef[ref]
		if e == nil {
			continue
		}
		shown, ok := changes.show(e)
		if !ok {
			WriteError(w, r, http.StatusInternalServerError)
			return
		}
		if f.matches(e) && !changes.hides(e) {
			items[i] = shown
		}
	}
	if changes.Items != nil {
		items = changes.Items(items)
	}
	b := newBody()
	defer b.free()
	b.list(items)
	b.bytes = append(b.bytes, '}')
	b.write(w, r)
}

// byName answers GET /entities/by-name/{kind}/{namespace}/{name}, in any case.
func (s *Server) byName(w http.ResponseWriter, r *http.Request) {
	kind, namespace, name := r.PathValue("kind"), r.PathValue("namespace"), r.PathValue("name")
	e, changes := s.catalog.Load().byRef[strings.ToLower(kind+":"+namespace+"/"+name)], changesOf(r)
	if e == nil || changes.hides(e) {
		p := problemFor(http.StatusNotFound)
		p.message = fmt.Sprintf("No entity named '%s' found, with kind '%s' in namespace '%s'", name, kind, namespace)
		p.write(w, r)
		return
	}
	shown, ok := changes.show(e)
	if !ok {
		WriteError(w, r, http.StatusInternalServerError)
		return
	}
	b := newBody()
	defer b.free()
	b.bytes = append(b.bytes, shown...)
	b.write(w, r)
}

// facets answers GET /entity-facets: how many entities have each value.
func (s *Server) facets(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if len(q["facet"]) == 0 {
		invalid("request/query must have required property 'facet'").write(w, r)
		return
	}
	f, problem := parseFilter(q["filter"])
	if problem != nil {
		problem.write(w, r)
		return
	}
	type count struct {
		Value string `json:"value"`
		Count int    `json:"count"`
	}
	answer := struct {
		Facets map[string][]count `json:"facets"`
	}{map[string][]count{}}
	changes := changesOf(r)
	for _, facet := range q["facet"] {
		found := map[string]int{}
		for _, e := range s.catalog.Load().entries {
			if changes.hides(e) || !f.matches(e) {
				continue
			}
			for v := range e.values(facet) {
				if !v.null {
					found[v.original]++
				}
			}
		}
		counts := []count{}
		for v, n := range found {
			counts = append(counts, count{v, n})
		}
		slices.SortFunc(counts, func(a, b count) int { return cmp.Compare(a.Value, b.Value) })
		answer.Facets[facet] = counts
	}
	b := newBody()
	defer b.free()
	text, err := codec.Marshal(answer)
	if err != nil { // strings and numbers only
		panic(err)
	}
	b.bytes = append(b.bytes, text...)
	b.write(w, r)
}
