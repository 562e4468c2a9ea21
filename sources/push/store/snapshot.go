package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

const (
	pageRecords = 500
	pageBytes   = 4 << 20
)

var readOnly = &sql.TxOptions{ReadOnly: true}

// Stats are the content of a store in numbers.
type Stats struct {
	// Committed reports whether any set was ever committed; a run fails before.
	Committed  bool
	Generation int64
	Kinds      []KindCount // in the order of reading; kinds that the pipeline does not read come last
	// LastChange is when records last changed, and By the ID of the grant; zero when they never
	// did.
	LastChange time.Time
	By         string
}

// KindCount is the number of records of a kind.
type KindCount struct {
	Kind    string
	Records int
	// Unread means that the pipeline does not read the kind.
	Unread bool
}

// Snapshot is the stored records at one moment. Changes by others do not affect it.
type Snapshot struct {
	s *Store
	transaction
	stats Stats
}

// Snapshot returns the stored records of now. It is an error when no set was ever committed. The
// caller must call Release; until then the file cannot shrink.
func (s *Store) Snapshot(ctx context.Context) (*Snapshot, error) {
	t, err := s.begin(context.WithoutCancel(ctx), readOnly)
	if err != nil {
		return nil, err
	}
	out := &Snapshot{s: s, transaction: *t}
	if out.stats, err = s.stats(t); err == nil && !out.stats.Committed {
		err = Empty(s.path)
	}
	if err != nil {
		out.Release()
		return nil, err
	}
	return out, nil
}

// Empty is the error of a store at path into which no set was committed yet.
func Empty(path string) error {
	return fault.Errorf(fault.Fatal, "push a set of records to the pipeline and commit it, then run again",
		"nothing was pushed yet to %s", path)
}

// with returns the transaction with the context of one call.
func (sn *Snapshot) with(ctx context.Context) *transaction { return &transaction{ctx, sn.tx, sn.path} }

// Release ends the use of the snapshot. It may be called twice.
func (sn *Snapshot) Release() { _ = sn.tx.Rollback() }

// Stats returns the content of the snapshot in numbers.
func (sn *Snapshot) Stats() Stats { return sn.stats }

// Read emits the records of a phase in the order of their kinds, namespaces and refs.
func (sn *Snapshot) Read(ctx context.Context, phase component.Phase, emit component.Emit) error {
	var kinds []string
	for _, kind := range phase.Kinds {
		kinds = append(kinds, strings.ToLower(kind.Name))
	}
	var page []*component.Record
	bytes := 0
	t := sn.with(ctx)
	err := t.each("SELECT ref, raw FROM records JOIN bodies ON id = body WHERE kind IN (SELECT value FROM json_each(?)) "+
		"ORDER BY kind, namespace, ref", []any{encode(kinds)}, func(scan func(...any) error) error {
		one, err := sn.s.scan(scan)
		if err != nil {
			return err
		}
		page, bytes = append(page, one), bytes+len(one.Raw)
		if len(page) < pageRecords && bytes < pageBytes {
			return nil
		}
		full := page
		page, bytes = nil, 0
		return emit(ctx, full)
	})
	if err != nil || len(page) == 0 {
		return err
	}
	return emit(ctx, page)
}

// Get returns the record with a ref, nil when there is none.
func (sn *Snapshot) Get(ctx context.Context, ref string) (out *component.Record, err error) {
	t := sn.with(ctx)
	err = t.each("SELECT ref, raw FROM records JOIN bodies ON id = body WHERE ref = ?", []any{ref},
		func(scan func(...any) error) (err error) {
			out, err = sn.s.scan(scan)
			return err
		})
	return out, err
}

// scan makes a record of a row with ref and raw.
func (s *Store) scan(scan func(...any) error) (*component.Record, error) {
	var ref string
	var raw []byte
	if err := scan(&ref, &raw); err != nil {
		return nil, err
	}
	made, err := s.make.Record(raw)
	if err != nil || made.Ref != ref {
		return nil, fault.Errorf(fault.Fatal, "push a full set again",
			"the stored record %s no longer fits source.push.model, which changed since it was pushed", ref)
	}
	return made, nil
}

func (s *Store) stats(t *transaction) (out Stats, err error) {
	if _, err := t.row("SELECT generation FROM store", nil, &out.Generation); err != nil {
		return out, err
	}
	out.Committed = out.Generation > 0
	var at int64
	found, err := t.row("SELECT at, owner FROM changes ORDER BY generation DESC LIMIT 1", nil, &at, &out.By)
	if err != nil {
		return out, err
	}
	if found {
		out.LastChange = time.UnixMilli(at)
	}
	if out.Kinds, err = s.count(t); err != nil {
		return out, err
	}
	return out, nil
}

// count returns the number of records of each kind.
func (s *Store) count(t *transaction) ([]KindCount, error) {
	counts := map[string]int{}
	var unread []KindCount
	err := t.each("SELECT kind, count(*) FROM records GROUP BY kind ORDER BY kind", nil,
		func(scan func(...any) error) error {
			var kind string
			var n int
			err := scan(&kind, &n)
			counts[kind] = n
			if _, read := s.kinds[kind]; !read {
				unread = append(unread, KindCount{Kind: kind, Records: n, Unread: true})
			}
			return err
		})
	var out []KindCount
	for _, name := range s.names {
		if n := counts[strings.ToLower(name)]; n > 0 {
			out = append(out, KindCount{Kind: name, Records: n})
		}
	}
	return append(out, unread...), err
}
