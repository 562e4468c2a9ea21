package upload

import (
	"sync/atomic"

	"github.com/pipe-engine/pipe/engine/component"
)

// page is the items of one request in their final form: buf has the opening of the list and
// the bodies, and only the end of the envelope is to be added.
type page struct {
	taken bool // the connection has buf
	head  int  // where the first item begins
	buf   []byte
	items []component.Encoded // without bodies
	ends  []int               // where each item's body ends in buf
	part  component.Part      // as it was described; see describe
}

// newPage begins a page whose list is the member of that name.
func newPage(stream string, size int) *page {
	buf := make([]byte, 0, size)
	buf = append(buf, `{"`+stream+`":[`...)
	return &page{head: len(buf), buf: buf}
}

// add copies an item into the page.
func (p *page) add(e component.Encoded) {
	if len(p.items) > 0 {
		p.buf = append(p.buf, ',')
	}
	p.buf = append(p.buf, e.Body...)
	p.ends = append(p.ends, len(p.buf))
	e.Body = nil
	p.items = append(p.items, e)
}

// describe returns what traces say of the page, whose number is the next one of count.
func (p *page) describe(stream string, count *atomic.Int64) *component.Part {
	if p.part.Number == 0 {
		p.part = component.Part{Name: component.PartUpload, Kind: stream, Number: int(count.Add(1)), Records: len(p.items)}
	}
	return &p.part
}

// body returns the bytes of item i.
func (p *page) body(i int) []byte {
	start := p.head
	if i > 0 {
		start = p.ends[i-1] + 1
	}
	return p.buf[start:p.ends[i]]
}

// some returns a new page with the wanted items.
func (p *page) some(stream string, want func(i int) bool) *page {
	out := newPage(stream, 0)
	for i, e := range p.items {
		if want(i) {
			e.Body = p.body(i)
			out.add(e)
		}
	}
	return out
}

// request returns the page with the end of its envelope. The connection keeps the bytes, so
// a second request is a copy.
func (p *page) request(tail string) []byte {
	end := p.head
	if n := len(p.ends); n > 0 {
		end = p.ends[n-1]
	}
	buf := p.buf[:end]
	if p.taken {
		buf = append(make([]byte, 0, end+len(tail)+2), buf...)
	}
	p.taken = true
	return append(append(buf, ']'), tail+"}"...)
}
