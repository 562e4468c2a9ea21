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

// byRefs answers POST /entities/by-refs: the entities in the order of the
// refs, null for what is not there, refs compared byte by byte.
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
	c, failed := s.catalog.Load(), faultOf(r)
	items := make([][]byte, len(*request.EntityRefs))
	for i, ref := range *request.EntityRefs {
		if failed.breaks(w, r, c.byRef[ref]) {
			return
		}
		if e := c.byRef[ref]; e != nil && f.matches(e) && !failed.hides(e) {
			items[i] = failed.show(e)
		}
	}
	if failed.Items != nil {
		items = failed.Items
	}
	b := newBody()
	defer b.free()
	b.list(items)
	b.bytes = append(b.bytes, '}')
	b.write(w, r, failed)
}

// byName answers GET /entities/by-name/{kind}/{namespace}/{name}, in any case.
func (s *Server) byName(w http.ResponseWriter, r *http.Request) {
	kind, namespace, name := r.PathValue("kind"), r.PathValue("namespace"), r.PathValue("name")
	e, failed := s.catalog.Load().byRef[strings.ToLower(kind+":"+namespace+"/"+name)], faultOf(r)
	if failed.breaks(w, r, e) {
		return
	}
	if e == nil || failed.hides(e) {
		p := problemFor(http.StatusNotFound)
		p.message = fmt.Sprintf("No entity named '%s' found, with kind '%s' in namespace '%s'", name, kind, namespace)
		p.write(w, r)
		return
	}
	b := newBody()
	defer b.free()
	b.bytes = append(b.bytes, failed.show(e)...)
	b.write(w, r, failed)
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
	failed := faultOf(r)
	for _, facet := range q["facet"] {
		found := map[string]int{}
		for _, e := range s.catalog.Load().entries {
			if failed.hides(e) || !f.matches(e) {
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
	b.write(w, r, failed)
}
