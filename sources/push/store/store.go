package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/sqlite"
)

// Limits bound what can be pushed.
type Limits struct {
	Record  int64 // bytes of one record
	Set     int64 // bytes of the records of one set
	Records int   // in the store, and in one set
}

// Store is a component.RecordStore.
type Store struct {
	path   string
	db     *sql.DB
	model  component.Model
	make   component.Recorder
	limits Limits
	kinds  map[string]bool // kinds that the pipeline reads, in lower case; true for people and groups
	names  []string        // these kinds in the order of reading, as the pipeline spells them
	now    func() time.Time
	// writing orders the writers of this process; SQLite's own waiting is not fair.
	writing sync.Mutex
}

var _ component.RecordStore = (*Store)(nil)

// Open opens the store at path and creates it when it is missing. model makes the records; it
// must be a component.Recorder.
func Open(ctx context.Context, path string, model component.Model, limits Limits) (*Store, error) {
	recorder, can := model.(component.Recorder)
	if !can {
		return nil, fault.Errorf(fault.Fatal, "", "the model cannot make records of pushed objects")
	}
	db, err := sqlite.Open(ctx, path, migrations)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, db: db, model: model, make: recorder, limits: limits, kinds: map[string]bool{}, now: time.Now}
	for _, phase := range model.Phases() {
		for _, kind := range phase.Kinds {
			s.kinds[strings.ToLower(kind.Name)] = phase.Identities
			s.names = append(s.names, kind.Name)
		}
	}
	return s, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// write calls do in a transaction, which is committed unless do returns an error.
func (s *Store) write(ctx context.Context, do func(*transaction) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	t, err := s.begin(ctx, nil)
	if err != nil {
		return err
	}
	defer t.tx.Rollback() // does nothing after Commit
	if err := do(t); err != nil {
		return err
	}
	return t.explain(t.tx.Commit())
}

// transaction is an open transaction with its context and the path of the file. Its methods
// return errors of the file with a cause, see sqlite.Explain.
type transaction struct {
	ctx  context.Context
	tx   *sql.Tx
	path string
}

func (s *Store) begin(ctx context.Context, o *sql.TxOptions) (*transaction, error) {
	t := &transaction{ctx: ctx, path: s.path}
	var err error
	t.tx, err = s.db.BeginTx(ctx, o)
	return t, t.explain(err)
}

// explain returns an error of the file with a cause, or that of the context once it ended.
func (t *transaction) explain(err error) error {
	if err != nil && t.ctx.Err() != nil {
		return t.ctx.Err()
	}
	return sqlite.Explain(t.path, err)
}

// exec returns the number of rows that a statement changed.
func (t *transaction) exec(query string, args ...any) (changed int, err error) {
	result, err := t.tx.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, t.explain(err)
	}
	n, err := result.RowsAffected()
	return int(n), t.explain(err)
}

// all executes statements with the same arguments.
func (t *transaction) all(args []any, statements ...string) error {
	for _, statement := range statements {
		if _, err := t.exec(statement, args...); err != nil {
			return err
		}
	}
	return nil
}

// row scans the only row of a query; found is false when there is none.
func (t *transaction) row(query string, args []any, into ...any) (found bool, err error) {
	err = t.tx.QueryRowContext(t.ctx, query, args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, t.explain(err)
}

// each calls row for every row of a query, and returns its error as it is. scan reads the row.
func (t *transaction) each(query string, args []any, row func(scan func(into ...any) error) error) error {
	rows, err := t.tx.QueryContext(t.ctx, query, args...)
	if err != nil {
		return t.explain(err)
	}
	defer rows.Close()
	scan := func(into ...any) error { return t.explain(rows.Scan(into...)) }
	for rows.Next() {
		if err := row(scan); err != nil {
			return err
		}
	}
	return t.explain(rows.Err())
}

// refuse returns a refused push that is not about a line.
func refuse(f component.PushFault, reason, remedy string) error {
	return &component.PushError{Fault: f, Reason: reason, Remedy: remedy}
}
