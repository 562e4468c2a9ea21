package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

// Commit makes the records of a set the stored records of its scope.
func (s *Store) Commit(ctx context.Context, g component.Grant, id string, expected int, key string) (
	out component.Committed, err error) {
	req, err := newRequest(g, key, "commit", id, strconv.Itoa(expected))
	if err != nil {
		return out, err
	}
	err = s.write(ctx, func(t *transaction) error {
		if found, err := req.answered(t, &out); found || err != nil {
			out.Replayed = found
			return err
		}
		set, err := s.set(t, g, id)
		if err != nil {
			return err
		}
		if _, err := t.row("SELECT coalesce(sum(records), 0) FROM parts WHERE set_n = ? AND done", []any{set.n},
			&out.Records); err != nil {
			return err
		}
		if out.Records != expected {
			return refuse(component.PushConflict, fmt.Sprintf("the commit expects %s, but the set has %s",
				display.Plural(expected, "record"), display.Number(out.Records)),
				"append the missing records, or abort the set and begin a new one")
		}
		if err := s.unchanged(t, set); err != nil {
			return err
		}
		if out.Before, err = s.replace(t, set); err != nil {
			return err
		}
		if out.Generation, err = s.changed(t, g, change{set: id, in: set.in}); err != nil {
			return err
		}
		return req.keep(t, millis(s.now()), out)
	})
	return out, err
}

// unchanged refuses a set when records of its scope changed since it began. The set may have
// been read from its origin before that change, and would undo it.
func (s *Store) unchanged(t *transaction, set openSet) error {
	return t.each("SELECT at, set_id, ref, scope FROM changes WHERE generation > ? ORDER BY generation", []any{set.base},
		func(scan func(...any) error) error {
			var at int64
			var other, ref, text string
			if err := scan(&at, &other, &ref, &text); err != nil {
				return err
			}
			var in scope
			if err := codec.Unmarshal([]byte(text), &in); err != nil || !in.overlaps(set.in) {
				return err
			}
			what := "the record " + ref + " was pushed or deleted"
			if other != "" {
				what = "the set " + other + " was committed"
			}
			return refuse(component.PushConflict, fmt.Sprintf("%s at %s, after this set began, and the commit would undo it",
				what, time.UnixMilli(at).UTC().Format(time.RFC3339)), "begin a new set, and read its records anew")
		})
}

// replace moves the records of a set into its scope. It returns how many were there before.
func (s *Store) replace(t *transaction, set openSet) (before int, err error) {
	where, args := s.where(set.in)
	if _, err := t.exec("INSERT INTO garbage SELECT body FROM records WHERE "+where, args...); err != nil {
		return 0, err
	}
	if before, err = t.exec("DELETE FROM records WHERE "+where, args...); err != nil {
		return 0, err
	}
	if err := s.outside(t, set); err != nil {
		return 0, err
	}
	const done = "(SELECT id FROM parts WHERE set_n = ?1 AND done)"
	err = t.all([]any{set.n}, "INSERT INTO records (ref, kind, namespace, body) SELECT ref, kind, namespace, body "+
		"FROM staged WHERE set_n = ?1 AND part IN "+done+" ORDER BY ref",
		"DELETE FROM staged WHERE set_n = ?1 AND part IN "+done)
	if err != nil {
		return 0, err
	}
	if err := s.fitsStore(t); err != nil {
		return 0, err
	}
	return before, dropSet(t, set.n)
}

// outside refuses a set with a ref of a stored record that is not in its scope.
func (s *Store) outside(t *transaction, set openSet) error {
	var ref string
	var line, number int
	found, err := t.row("SELECT a.ref, a.line, p.number FROM staged a JOIN records r ON r.ref = a.ref "+
		"JOIN parts p ON p.id = a.part AND p.done WHERE a.set_n = ? ORDER BY p.number, a.line LIMIT 1", []any{set.n},
		&ref, &line, &number)
	if err != nil || !found {
		return err
	}
	return taken(ref, fmt.Sprintf("line %d of append %d: ", line, number))
}

// taken refuses a ref of a stored record outside of what is being replaced.
func taken(ref, where string) error {
	return refuse(component.PushConflict, where+"a record of another kind or namespace has the ref "+ref,
		"give each record its own ref")
}

// fitsStore refuses a change that leaves too many records.
func (s *Store) fitsStore(t *transaction) error {
	var total int
	if _, err := t.row("SELECT count(*) FROM records", nil, &total); err != nil {
		return err
	}
	if total > s.limits.Records {
		return refuse(component.PushTooLarge, "the store would have more than "+
			display.Plural(s.limits.Records, "record"), "raise source.push.max_records")
	}
	return nil
}

// change is a change of the stored records.
type change struct {
	set, ref string // the set, or the single record
	in       scope
}

// changed counts a change and remembers its scope for the open sets.
func (s *Store) changed(t *transaction, g component.Grant, c change) (generation int64, err error) {
	if _, err := t.row("UPDATE store SET generation = generation + 1 RETURNING generation", nil,
		&generation); err != nil {
		return 0, err
	}
	_, err = t.exec("INSERT INTO changes (generation, at, owner, set_id, ref, scope) VALUES (?, ?, ?, ?, ?, ?)",
		generation, millis(s.now()), g.ID, c.set, c.ref, encode(c.in))
	return generation, err
}
