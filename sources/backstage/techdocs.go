package backstage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sources/backstage/techdocs"
)

// staticDocs is the address of sites, followed by namespace/kind/name/.
const staticDocs = "/api/techdocs/static/docs/"

// goneAfter is how long a site must be missing, while others can be read, before it counts as
// removed: a Backstage that builds sites itself loses them when it restarts.
const goneAfter = 7 * 24 * time.Hour

// pageLimit is the maximum size of the text of a page.
const pageLimit = 1 << 20

// siteTimeout is how long the download of one file of a site may take.
const siteTimeout = 5 * time.Minute

var _ component.Attacher = (*Source)(nil)

// techDocs is the state of reading documentation.
type techDocs struct {
	proven  atomic.Bool  // a site was read
	refused atomic.Int32 // sites in a row that the token may not read
}

// maxRefused is after how many refusals in a row, without any site, no further one is requested.
const maxRefused = 5

// Hosts returns the entities that have documentation.
func (s *Source) Hosts(component.Phase) (refs []string, atOnce int) {
	return s.sites.all(), s.cfg.TechDocs.Concurrency
}

// ReadHost reads the site of an entity. A site that cannot be read is no error.
func (s *Source) ReadHost(ctx context.Context, _ component.Phase, of string, last component.AttachedMark,
	emit component.Emit) (component.Attached, error) {
	unread := func(err error) (component.Attached, error) {
		if ctx.Err() != nil {
			return component.Attached{}, ctx.Err()
		}
		return component.Attached{Reason: s.unreadSite(err)}, nil
	}
	if !s.techDocs.proven.Load() && s.techDocs.refused.Load() >= maxRefused {
		return component.Attached{Reason: mayNotRead}, nil
	}
	is, err := s.siteOf(ctx, of)
	if err != nil {
		return unread(err)
	}
	r := s.reader(of, is, emit)
	meta, err := r.metadata(ctx)
	noMetadata := hasStatus(err, http.StatusNotFound)
	switch {
	case err == nil || noMetadata:
	case fault.ClassOf(err) == fault.Fatal && errors.Is(err, connection.ErrRefused):
		return component.Attached{}, err // neither allow nor the agent lets any site be read
	default:
		return unread(err)
	}
	mark := ""
	if meta.Mark() != "" {
		mark = fmt.Sprintf("%s %016x", meta.Mark(), codec.Hash(is.about))
	}
	if last.Valid && mark != "" && last.Mark == mark {
		return component.Attached{State: component.AttachedSame, Mark: mark}, nil
	}
	r.built = meta
	pages, err := r.index(ctx)
	if noIndex := hasStatus(err, http.StatusNotFound); noIndex && noMetadata {
		return s.missingSite(ctx, of, last, time.Now()), nil
	} else if noIndex || err == nil && pages == 0 {
		_, err = r.pages(ctx)
	}
	if err != nil {
		if r.emitErr != nil {
			return component.Attached{}, r.emitErr
		}
		return unread(err)
	}
	s.proveSites()
	return component.Attached{State: component.AttachedRead, Mark: mark}, nil
}

// proveSites records that sites can be read.
func (s *Source) proveSites() {
	s.techDocs.proven.Store(true)
	s.techDocs.refused.Store(0)
}

func (s *Source) reader(of string, is *site, emit component.Emit) *siteReader {
	return &siteReader{Source: s, of: of, site: is, at: s.siteAddress(is), emit: emit, seen: map[string]bool{}}
}

// maxProofs is how many other sites are tried before a missing one counts as removed.
const maxProofs = 20

// othersRead reports whether the site of another entity can be read.
func (s *Source) othersRead(ctx context.Context, of string) bool {
	tried := 0
	for _, other := range s.sites.all() {
		if s.techDocs.proven.Load() || tried == maxProofs {
			break
		}
		is := s.sites.get(other)
		if other == of || is == nil {
			continue
		}
		tried++
		_, _ = s.reader(other, is, nil).metadata(ctx)
	}
	return s.techDocs.proven.Load()
}

// siteOf returns the site of an entity. It requests an entity that only techdocs-entity names.
func (s *Source) siteOf(ctx context.Context, of string) (*site, error) {
	if is := s.sites.get(of); is != nil {
		return is, nil
	}
	r, err := s.Get(ctx, of)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("the entity that %s names does not exist", techDocsEntity)
	}
	is := newSite(r)
	if is == nil {
		return nil, errors.New("the entity cannot be read")
	}
	s.sites.add(of, is)
	return is, nil
}

// siteAddress returns the path of a site, as Backstage serves it.
func (s *Source) siteAddress(is *site) string {
	at := is.namespace + "/" + is.kind + "/" + is.name
	if !s.cfg.TechDocs.CaseSensitive {
		at = strings.ToLower(at)
	}
	return staticDocs + at + "/"
}

const (
	missingPrefix = "missing since "
	mayNotRead    = "the token may not read TechDocs: add `plugin: techdocs` to its accessRestrictions in " +
		"backend.auth.externalAccess, and list `plugin: catalog` there without a permission"
)

// missingSite is the result for a site that Backstage does not have. It is not built yet, or was
// removed: it counts as removed when it has been missing for a while and other sites can be read.
func (s *Source) missingSite(ctx context.Context, of string, last component.AttachedMark, now time.Time,
) component.Attached {
	since, before := now, last.Mark
	if rest, is := strings.CutPrefix(last.Mark, missingPrefix); is {
		text, mark, _ := strings.Cut(rest, " ")
		if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
			since, before = time.Unix(seconds, 0), mark
		}
	}
	if now.Sub(since) >= goneAfter && s.othersRead(ctx, of) {
		return component.Attached{State: component.AttachedGone}
	}
	return component.Attached{Reason: "Backstage has no site: it is not built yet, or was removed",
		Mark: fmt.Sprintf("%s%d %s", missingPrefix, since.Unix(), before)}
}

// unreadSite returns why a site could not be read, without its address.
func (s *Source) unreadSite(err error) string {
	if hasStatus(err, http.StatusForbidden) {
		s.techDocs.refused.Add(1)
		return mayNotRead
	}
	s.techDocs.refused.Store(0)
	return siteError(err)
}

// siteError returns an error in a form that is the same for all sites.
func siteError(err error) string {
	var status *connection.StatusError
	switch {
	case errors.As(err, &status):
		return fmt.Sprintf("Backstage answered %d", status.Status)
	case errors.Is(err, connection.ErrTooLarge):
		return "it is larger than techdocs.max_size"
	case errors.Is(err, connection.ErrDown):
		return "Backstage does not answer"
	}
	text := err.Error()
	if _, after, is := strings.Cut(text, staticDocs); is {
		if _, why, is := strings.Cut(after, ": "); is {
			text = why
		}
	}
	return text
}

// siteReader reads one site.
type siteReader struct {
	*Source
	of      string
	site    *site
	at      string // path of the site
	built   techdocs.Metadata
	emit    component.Emit
	emitErr error // of emit, which ends the run
	seen    map[string]bool
}

func (r *siteReader) limits() techdocs.Limits {
	return techdocs.Limits{Pages: r.cfg.TechDocs.MaxPages, Text: pageLimit}
}

// file reads a file of the site.
func (r *siteReader) file(ctx context.Context, name string, most int64, read func(io.Reader) error) error {
	_, err := r.api.conn.Do(ctx, connection.Request{Method: http.MethodGet, Path: r.at + name, MaxBytes: most,
		Timeout: siteTimeout, Want: connection.Any,
		Stream: func(h http.Header, body io.Reader) error { return read(body) }})
	return err
}

func (r *siteReader) metadata(ctx context.Context) (m techdocs.Metadata, err error) {
	err = r.file(ctx, "techdocs_metadata.json", int64(r.cfg.TechDocs.MaxSize), func(body io.Reader) (err error) {
		m, err = techdocs.ReadMetadata(body)
		return err
	})
	if err == nil {
		r.proveSites()
	}
	return m, err
}

// index reads the pages in the search index and returns their number.
func (r *siteReader) index(ctx context.Context) (int, error) {
	var read techdocs.Read
	err := r.file(ctx, "search/search_index.json", int64(r.cfg.TechDocs.MaxSize), func(body io.Reader) (err error) {
		read, err = techdocs.ReadIndex(body, r.limits(), func(p techdocs.Page) error { return r.page(ctx, p) })
		return err
	})
	if err == nil && read.Strays > 0 {
		r.note("the search index of %s has %d entries that belong to no page; they were left out", r.of, read.Strays)
	}
	return read.Pages, err
}

// page emits a page. An attempt that is made again emits no page twice.
func (r *siteReader) page(ctx context.Context, p techdocs.Page) error {
	if r.seen[p.Path] {
		return nil
	}
	r.seen[p.Path] = true
	if err := r.emit(ctx, []*component.Record{r.record(p)}); err != nil {
		r.emitErr = err
		return fault.Errorf(fault.Permanent, "", "%w", err)
	}
	return nil
}

// pages reads a site without a search index: the HTML of each page in the metadata, or in the site
// map when the metadata has no list of files.
func (r *siteReader) pages(ctx context.Context) (int, error) {
	paths := r.built.Pages()
	if len(paths) == 0 {
		err := r.file(ctx, "sitemap.xml", int64(r.cfg.TechDocs.MaxSize), func(body io.Reader) (err error) {
			paths, err = techdocs.ReadSitemap(body, r.cfg.TechDocs.MaxPages+1)
			return err
		})
		if err != nil && !hasStatus(err, http.StatusNotFound) {
			return 0, err
		}
	}
	if len(paths) > r.cfg.TechDocs.MaxPages {
		return 0, fmt.Errorf("the site has more than %d pages (techdocs.max_pages)", r.cfg.TechDocs.MaxPages)
	}
	if len(paths) == 0 {
		return 0, errors.New("it has neither a search index nor a list of its pages")
	}
	left := int64(r.cfg.TechDocs.MaxSize)
	for _, path := range paths {
		file := path
		if file == "" || strings.HasSuffix(file, "/") {
			file += "index.html"
		}
		var p techdocs.Page
		err := r.html(ctx, file, left, func(body io.Reader) (err error) {
			counted := &counting{r: body}
			p, err = techdocs.ReadHTML(counted, file, r.limits())
			left -= counted.n
			return err
		})
		if err == nil && left < 0 {
			err = connection.ErrTooLarge
		}
		if err == nil {
			err = r.page(ctx, p)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(paths), nil
}

// html reads a page of HTML, which other requests would refuse as an answer of a sign-in.
func (r *siteReader) html(ctx context.Context, name string, most int64, read func(io.Reader) error) error {
	_, err := r.api.conn.Do(ctx, connection.Request{Method: http.MethodGet, Path: r.at + name, MaxBytes: max(1, most),
		Timeout: siteTimeout, Want: connection.Any, HTML: true,
		Stream: func(h http.Header, body io.Reader) error { return read(body) }})
	return err
}

// counting counts what is read.
type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// record returns the record of a page.
func (r *siteReader) record(p techdocs.Page) *component.Record {
	if p.Title == "" {
		p.Title = r.site.title
	}
	b := append(make([]byte, 0, len(p.Text)+len(r.site.about)+512), `{"kind":"`+PageKind+`","page":{"path":`...)
	b = codec.Quote(b, p.Path)
	text := func(name, value string) {
		b = append(b, `,"`+name+`":`...)
		b = codec.Quote(b, value)
	}
	text("title", p.Title)
	text("text", p.Text)
	text("url", r.cfg.TechDocs.address(r.cfg.uiURL(), r.of, p.Path))
	if at := r.built.Updated(); !at.IsZero() {
		text("updated", at.Format(time.RFC3339))
	}
	b = append(b, `,"folders":[`...)
	for i, folder := range techdocs.Breadcrumbs(p.Path) {
		if i > 0 {
			b = append(b, ',')
		}
		b = codec.Quote(b, folder)
	}
	b = append(b, `],"sections":[`...)
	for i, s := range p.Sections {
		if i > 0 {
			b = append(b, ',')
		}
		b = codec.Quote(append(b, `{"title":`...), s.Title)
		b = append(codec.Quote(append(b, `,"anchor":`...), s.Anchor), '}')
	}
	b = append(b, `]},"site":{"name":`...)
	b = append(codec.Quote(b, r.built.Name), `},`...)
	b = append(append(b, r.site.about...), '}')
	return &component.Record{Raw: b, Entry: component.Entry{Ref: techdocs.Ref(r.of, p.Path), Kind: PageKind,
		Title: p.Title}}
}
