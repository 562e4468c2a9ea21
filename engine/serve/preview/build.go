package preview

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/sqlite"
	"github.com/pipe-engine/pipe/engine/state"
)

// Build reads a job's source as a dry run does and indexes the documents that a run would
// publish. It makes no request to the sink, and a refusal of a guard is no error: see
// Index.Refused. The scratch database is in a folder below folder; "" means that for temporary
// files. Build sets Until and Observer of o. The caller closes the Index, which does not need
// the job any more.
func Build(ctx context.Context, j *job.Job, folder string, o job.RunOptions) (*Index, error) {
	presenter, can := j.Pipeline.Sink.(component.Presenter)
	if !can {
		return nil, &fault.Invalid{Reason: "what goes to " + j.Definition.Sink.Name + " cannot be previewed"}
	}
	b, err := newBuilder(ctx, folder, j.Pipeline, presenter)
	if err != nil {
		return nil, fmt.Errorf("create the search index: %w", err)
	}
	built := false
	defer func() {
		if !built { // also after a panic
			b.tx.Rollback() // its connection is not closed before
			b.x.Close()
		}
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.failed = cancel
	b.x.Pipeline, b.x.definition = j.Definition.File.Name, j.Definition
	j.Pipeline.Offline = true
	o.Until, o.Observer = run.Reviewed, b
	b.x.Report, err = j.Run(ctx, o)
	if b.err != nil {
		return nil, fmt.Errorf("write the search index: %w", sqlite.Explain("the index", b.err))
	}
	if err != nil && !errors.As(err, new(*fault.Refusal)) {
		return nil, err
	}
	b.x.Refused = err
	if err := b.finish(ctx, j.State, j.Pipeline.Sink.Place()); err != nil {
		return nil, fmt.Errorf("write the search index: %w", sqlite.Explain("the index", err))
	}
	built = true
	return b.x, nil
}

// builder is the observer of the run: it writes each document when it is staged and each record when
// it has ended, and keeps only the names of users and groups.
type builder struct {
	*explain.Trace
	x         *Index
	presenter component.Presenter
	streams   []component.Stream

	failed context.CancelCauseFunc // ends the run when the index cannot be written

	mu         sync.Mutex
	err        error // the first one of writing
	tx         *sql.Tx
	insert     map[string]*sql.Stmt
	ids        map[uint64]int64 // doc.id by the hash of the item's ID
	principals map[string]int64 // of listed documents
	sets       map[string][]string
	values     map[string]int32  // the index in x.values
	byHash     map[uint64]string // principals as the baseline has them
}

var _ component.Observer = (*builder)(nil)

const (
	intoDoc     = "INSERT INTO doc (id, key, title, after) VALUES (?, ?, ?, ?)"
	intoContent = "INSERT INTO content (doc, card) VALUES (?, ?)"
	intoRecord  = "INSERT INTO record (ref, value, journey) VALUES (?, ?, ?)"
	intoFTS     = "INSERT INTO fts (rowid, title, words, text) VALUES (?, ?, ?, ?)"
	intoACL     = "INSERT OR IGNORE INTO acl (doc, view, principal) VALUES (?, ?, ?)"
	intoMember  = "INSERT OR IGNORE INTO member (person, view, principal) VALUES (?, ?, ?)"
	setBefore   = "UPDATE doc SET before = ?, rule = ?, unknown = ? WHERE id = ?"
)

func newBuilder(ctx context.Context, folder string, p *component.Pipeline, presenter component.Presenter) (*builder,
	error) {
	// The database has no journal: a statement that is interrupted would damage it.
	ctx = context.WithoutCancel(ctx)
	db, err := sqlite.OpenScratch(ctx, folder, schema)
	if err != nil {
		return nil, err
	}
	b := &builder{
		Trace: explain.New(p, func(string) bool { return true }), x: newIndex(db), presenter: presenter, streams: p.Streams,
		failed: func(error) {}, insert: map[string]*sql.Stmt{}, ids: map[uint64]int64{}, principals: map[string]int64{},
		sets: map[string][]string{}, values: map[string]int32{},
	}
	b.x.trace = b.Trace
	if b.tx, err = db.BeginTx(ctx, nil); err != nil {
		db.Close()
		return nil, err
	}
	for _, text := range []string{intoDoc, intoContent, intoRecord, intoFTS, intoACL, intoMember, setBefore} {
		if b.insert[text], err = b.tx.PrepareContext(ctx, text); err != nil {
			b.tx.Rollback()
			db.Close()
			return nil, err
		}
	}
	return b, nil
}

func (b *builder) exec(text string, args ...any) error {
	_, err := b.insert[text].Exec(args...)
	return err
}

// Staged adds a document, and passes users and groups to the trace.
func (b *builder) Staged(stream string, e component.Encoded) {
	b.Trace.Staged(stream, e)
	if s := b.stream(stream); s == nil || !s.Permissions || e.Kept { // a kept item has no text here
		return
	}
	b.write(func() error { return b.add(stream, e) })
}

// Ended keeps the record on disk and releases it.
func (b *builder) Ended(stream string, e component.Ending, why component.DeadLetter) {
	b.Trace.Ended(stream, e, why)
	b.write(func() error { return b.keep(why.Ref) })
	b.Forget(why.Ref)
}

// write calls a function that writes, unless writing has failed.
func (b *builder) write(do func() error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return
	}
	if b.err = do(); b.err != nil {
		b.failed(b.err)
	}
}

// card is the part of a component.Card that results show.
type card struct {
	Ref, Stream, Title, Type, Owner, URL string
	Updated                              time.Time `json:",omitzero"`
	Properties                           []component.CardProperty
}

func (b *builder) add(stream string, e component.Encoded) error {
	c, err := b.presenter.Card(stream, e.Body)
	if err != nil {
		return err
	}
	b.x.Documents++
	id := int64(b.x.Documents)
	owner := b.nameOf(c.Owner)
	title := cmp.Or(plainText(c.Title), e.ID)
	if err := b.exec(intoDoc, id, e.ID, title, int(e.Audience)); err != nil {
		return err
	}
	words := []string{c.Type, owner, e.Ref}
	facets := []int32{b.facet("type", "Type", c.Type)}
	for _, p := range c.Properties {
		for _, v := range p.Values {
			if words = append(words, v); p.Facet && v != "" {
				facets = append(facets, b.facet(p.Name, p.Label, v))
			}
		}
	}
	slices.Sort(facets)
	b.x.facets = append(b.x.facets, slices.Compact(facets)...)
	b.x.facetsAt = append(b.x.facetsAt, int32(len(b.x.facets)))
	if err := b.exec(intoFTS, id, title, plainText(strings.Join(words, "\n")), plainText(c.Text)); err != nil {
		return err
	}
	shown, err := codec.Marshal(card{e.Ref, stream, title, c.Type, owner, c.URL, c.Updated,
		slices.DeleteFunc(c.Properties, func(p component.CardProperty) bool { return !p.Shown })})
	if err != nil {
		return err
	}
	if err := b.exec(intoContent, id, shown); err != nil {
		return err
	}
	b.ids[codec.Hash([]byte(e.ID))] = id
	for _, principal := range e.Principals {
		if err := b.exec(intoACL, id, int(After), b.principal(principal)); err != nil {
			return err
		}
	}
	for _, set := range e.AllOf {
		if err := b.exec(intoACL, id, int(After), b.set(set)); err != nil {
			return err
		}
	}
	return nil
}

// principal returns the number of a principal.
func (b *builder) principal(name string) int64 {
	id, known := b.principals[name]
	if !known {
		id = int64(len(b.principals)) + 1
		b.principals[strings.Clone(name)] = id
	}
	return id
}

// set returns the number of a set of groups, which is one principal.
func (b *builder) set(groups []string) int64 {
	name := setName(groups)
	if _, known := b.sets[name]; !known {
		b.sets[name] = component.CloneTexts(groups)
	}
	return b.principal(name)
}

// setName returns the name of a set of groups.
func setName(groups []string) string { return "all of " + strings.Join(groups, "\x00") }

// facet returns the number of a value of a facet.
func (b *builder) facet(name, label, value string) int32 {
	key := name + "\x00" + value
	n, known := b.values[key]
	if !known {
		n = int32(len(b.x.values))
		b.values[strings.Clone(key)] = n
		b.x.values = append(b.x.values,
			FacetValue{Name: strings.Clone(name), Label: strings.Clone(label), Value: strings.Clone(value)})
	}
	return n
}

// nameOf returns the name of a user or group for people; "" for none.
func (b *builder) nameOf(principal string) string {
	if principal == "" {
		return ""
	}
	name, _ := component.PrincipalName(principal)
	if j := b.Journey(b.RecordOf(principal)); j != nil {
		name = cmp.Or(j.Entry.Title, name)
	}
	return name
}

// plainText removes the characters that mark hits in a text.
func plainText(s string) string {
	if !strings.ContainsFunc(s, isMark) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if isMark(r) {
			return ' '
		}
		return r
	}, s)
}

func isMark(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }

// finish adds the people and the audiences before this run, and closes the transaction.
func (b *builder) finish(ctx context.Context, in state.Store, place string) error {
	b.x.collectPeople()
	if err := b.addMembers(); err != nil {
		return err
	}
	if in != nil {
		if err := b.addBefore(in, place); err != nil {
			return err
		}
	}
	if err := b.tx.Commit(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if _, err := b.x.db.ExecContext(context.WithoutCancel(ctx), indexes); err != nil {
		return err
	}
	if err := b.x.sortTitles(ctx); err != nil {
		return err
	}
	b.x.Built = time.Now()
	return nil
}

// sortTitles sets the order of the documents by title.
func (x *Index) sortTitles(ctx context.Context) error {
	var list []byte
	err := x.db.QueryRowContext(ctx, "SELECT group_concat(id ORDER BY title COLLATE NOCASE, id) FROM doc").Scan(&list)
	x.byTitle = make([]int32, x.Documents)
	place := int32(0)
	for id, rest := nextNumber(list); id > 0; id, rest = nextNumber(rest) {
		x.byTitle[id-1] = place
		place++
	}
	return err
}
