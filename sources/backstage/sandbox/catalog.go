package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// catalog is one immutable state of the served entities. Its views (the entities of a filter
// in an order) are computed once, so a page costs a binary search and the copying of its
// bytes.
type catalog struct {
	entries []*entry // in the given order
	byRef   map[string]*entry

	mu    sync.Mutex
	views map[string]view
}

// maxViews bounds the kept views; when it is reached, all are dropped.
const maxViews = 256

// view is the entities of a filter in an order.
type view struct {
	rows     []row
	entities int // fewer than rows where an entity has several values to order by
}

// row is an entity at its place in an order.
type row struct {
	value string
	*entry
}

func (a row) compare(b row) int {
	return cmp.Or(strings.Compare(a.value, b.value), strings.Compare(a.uid, b.uid))
}

func newCatalog(entities [][]byte, rel release) (*catalog, error) {
	return (&catalog{}).with(entities, rel)
}

func (c *catalog) with(entities [][]byte, rel release) (*catalog, error) {
	next := make([]*entry, 0, len(c.entries)+len(entities))
	at := make(map[string]int, cap(next))
	add := func(e *entry) {
		ref := e.ref
		if e.name.value == "" { // no catalog holds such a thing, and tests need several
			ref = strconv.Itoa(len(next))
		}
		if i, ok := at[ref]; ok {
			next[i] = e
			return
		}
		at[ref] = len(next)
		next = append(next, e)
	}
	for _, e := range c.entries {
		add(e)
	}
	for i, raw := range entities {
		e, err := newEntry(raw, rel)
		if err != nil {
			return nil, fmt.Errorf("entity %d of the sandbox's catalog: %w", i+1, err)
		}
		add(e)
	}
	return indexed(next), nil
}

func (c *catalog) without(refs []string) *catalog {
	gone := make(map[string]bool, len(refs))
	for _, ref := range refs {
		gone[strings.ToLower(ref)] = true
	}
	return indexed(slices.DeleteFunc(slices.Clone(c.entries), func(e *entry) bool { return gone[e.ref] }))
}

func indexed(entries []*entry) *catalog {
	c := &catalog{entries: entries, byRef: make(map[string]*entry, len(entries)), views: map[string]view{}}
	for _, e := range entries {
		c.byRef[e.ref] = e
	}
	return c
}

// view returns the entities that match the filter, ordered by a field or, when that is "",
// by their uid. As in Backstage an entity without the field is missing, and one with several
// values appears several times.
func (c *catalog) view(f filter, field string) view {
	key := strings.Join(append(f.parameters[:len(f.parameters):len(f.parameters)], field), "\x00")
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.views[key]; ok {
		return v
	}
	var v view
	for _, e := range c.entries {
		if !f.matches(e) {
			continue
		}
		before := len(v.rows)
		if field == "" {
			v.rows = append(v.rows, row{e.uid, e})
		} else {
			for a := range e.values(field) {
				if !a.null {
					v.rows = append(v.rows, row{a.value, e})
				}
			}
		}
		if len(v.rows) > before {
			v.entities++
		}
	}
	slices.SortFunc(v.rows, row.compare)
	if len(c.views) >= maxViews {
		clear(c.views)
	}
	c.views[key] = v
	return v
}
