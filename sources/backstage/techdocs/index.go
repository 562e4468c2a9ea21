package techdocs

import (
	"fmt"
	"io"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Read is what was read of a search index.
type Read struct {
	Pages int
	// Strays are sections that were left out, since they do not follow their page or have no
	// address below the site.
	Strays int
}

// ReadIndex reads the search index of MkDocs (search/search_index.json) and passes on its pages.
// The index lists each page and then its sections, which become one Page.
func ReadIndex(r io.Reader, limits Limits, emit func(Page) error) (Read, error) {
	x := &index{limits: limits, emit: emit, seen: map[string]bool{}}
	found, err := codec.Stream(r, "docs", x.doc, x.member)
	if err == nil && !found {
		err = fault.Errorf(fault.Permanent, "", "the search index has no list of pages")
	}
	if err == nil {
		err = x.flush()
	}
	return x.read, err
}

type index struct {
	limits Limits
	emit   func(Page) error
	html   bool // texts are HTML
	seen   map[string]bool
	read   Read

	open     bool // page is being collected
	page     Page
	own      string // text of the page itself
	sections []section
	bytes    int
}

type section struct{ title, anchor, text string }

// member reads the configuration of the index. The index of Material for MkDocs has HTML, and
// the one of MkDocs itself has text; only the latter says what it indexes.
func (x *index) member(name string, value []byte) error {
	if name != "config" {
		return nil
	}
	pipeline, indexing := false, false
	err := codec.Members(value, func(name string, _ []byte) error {
		pipeline = pipeline || name == "pipeline"
		indexing = indexing || name == "indexing"
		return nil
	})
	x.html = pipeline && !indexing
	return err
}

func (x *index) doc(value []byte) error {
	var d struct {
		Location string `json:"location"`
		Title    string `json:"title"`
		Text     string `json:"text"`
	}
	if err := codec.Unmarshal(value, &d); err != nil {
		return fmt.Errorf("an entry of the search index is not a page: %w", err)
	}
	path, anchor, ok := clean(d.Location)
	switch {
	case !ok:
		x.read.Strays++
		return nil
	case !x.open || path != x.page.Path:
		if err := x.flush(); err != nil {
			return err
		}
		if x.seen[path] {
			x.read.Strays++
			return nil
		}
		x.seen[path] = true
		x.open, x.page, x.own, x.sections, x.bytes = true, Page{Path: path}, "", nil, 0
	}
	room := x.limits.Text - x.bytes
	if anchor == "" {
		x.page.Title, x.own = title(x.plain(d.Title)), cut(x.plain(d.Text), x.limits.Text)
		return nil
	}
	if len(x.sections) < maxSections || room > 0 {
		s := section{title(x.plain(d.Title)), anchor, cut(x.plain(d.Text), max(room, 0))}
		x.bytes += len(s.text)
		x.sections = append(x.sections, s)
	}
	return nil
}

// plain returns the text of a value of the index.
func (x *index) plain(s string) string {
	if !x.html {
		return strings.TrimSpace(s)
	}
	return Text(s, x.limits.Text)
}

// flush passes on the page that was collected.
func (x *index) flush() error {
	if !x.open {
		return nil
	}
	x.open = false
	if x.read.Pages++; x.read.Pages > x.limits.Pages {
		return fault.Errorf(fault.Permanent, "raise techdocs.max_pages", "the site has more than %d pages", x.limits.Pages)
	}
	p := x.page
	t := text{limit: x.limits.Text}
	t.block(x.intro())
	for _, s := range x.sections {
		t.block(s.title)
		if s.text != "" && t.Len() < t.limit {
			t.WriteString("\n" + cut(s.text, t.limit-t.Len()))
		}
		if len(p.Sections) < maxSections {
			p.Sections = append(p.Sections, Section{s.title, s.anchor})
		}
	}
	p.Text = cut(t.String(), t.limit)
	if p.Title == "" && len(x.sections) > 0 {
		p.Title = x.sections[0].title
	}
	return x.emit(p)
}

// intro returns the text before the first section. MkDocs repeats the text of all sections in
// that of their page, Material for MkDocs does not.
func (x *index) intro() string {
	if x.html {
		return x.own
	}
	first := "" // with the titles of sections that have no text before it
	for _, s := range x.sections {
		first = strings.TrimSpace(first + " " + s.title)
		if s.text != "" {
			first += " " + s.text
			break
		}
	}
	if before, _, found := strings.Cut(x.own, first); found && first != "" {
		return before
	}
	return x.own
}
