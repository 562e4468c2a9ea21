package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

const (
	openFor  = 24 * time.Hour     // how long a set may be open
	keepKeys = 7 * 24 * time.Hour // how long idempotency keys are kept
	mostOpen = 4                  // sets of one grant at a time
)

// Begin opens a set.
func (s *Store) Begin(ctx context.Context, g component.Grant, asked component.Scope, key string) (
	out component.OpenSet, err error) {
	req, err := newRequest(g, key, "begin", encode(asked))
	if err != nil {
		return out, err
	}
	allowed, err := s.allowed(g)
	if err != nil {
		return out, err
	}
	in, err := s.within(allowed, asked)
	if err != nil {
		return out, err
	}
	err = s.write(ctx, func(t *transaction) error {
		if found, err := req.answered(t, &out); found || err != nil {
			out.Replayed = found
			return err
		}
		now := s.now()
		var open int
		if _, err := t.row("SELECT count(*) FROM sets WHERE owner = ? AND began > ?", []any{g.ID, millis(now.Add(-openFor))},
			&open); err != nil {
			return err
		}
		if open >= mostOpen {
			return refuse(component.PushConflict, fmt.Sprintf("the token has %s already", display.Plural(open, "open set")),
				"commit or abort them")
		}
		out = component.OpenSet{ID: strings.ToLower(rand.Text()), Expires: now.Add(openFor)}
		if _, err := t.exec("INSERT INTO sets (id, owner, scope, base, began) SELECT ?, ?, ?, generation, ? FROM store",
			out.ID, g.ID, encode(in), millis(now)); err != nil {
			return err
		}
		return req.keep(t, millis(now), out)
	})
	return out, err
}

// openSet is a row of the table sets.
type openSet struct {
	n    int64
	id   string
	base int64
	in   scope
}

// set returns an open set of a grant that still allows its scope.
func (s *Store) set(t *transaction, g component.Grant, id string) (out openSet, err error) {
	allowed, err := s.allowed(g)
	if err != nil {
		return out, err
	}
	var owner, text string
	found, err := t.row("SELECT n, id, owner, base, scope FROM sets WHERE id = ? AND began > ?",
		[]any{id, millis(s.now().Add(-openFor))}, &out.n, &out.id, &owner, &out.base, &text)
	if err != nil {
		return out, err
	}
	if !found || owner != g.ID {
		return out, s.unknown(t, g, id)
	}
	if err := codec.Unmarshal([]byte(text), &out.in); err != nil {
		return out, err
	}
	if !out.in.inside(allowed) {
		return out, refuse(component.PushForbidden, "the token no longer includes the kinds and namespaces of the set",
			"begin a new set")
	}
	return out, nil
}

// unknown says what became of a set.
func (s *Store) unknown(t *transaction, g component.Grant, id string) error {
	var at int64
	committed, err := t.row("SELECT at FROM changes WHERE set_id = ? AND owner = ?", []any{id, g.ID}, &at)
	if err != nil {
		return err
	}
	if committed {
		return refuse(component.PushConflict, fmt.Sprintf("the set %q was committed at %s", id,
			time.UnixMilli(at).UTC().Format(time.RFC3339)), "begin a new set")
	}
	return refuse(component.PushUnknown, fmt.Sprintf("the token has no open set %q", id),
		"begin a new set; a set expires after 24 hours")
}

// inside reports whether a scope is part of another one.
func (in scope) inside(other scope) bool {
	if in.Identities != other.Identities {
		return false
	}
	for _, kind := range in.Kinds {
		if !includes(other.Kinds, kind) {
			return false
		}
	}
	for _, namespace := range in.Namespaces {
		if !includes(other.Namespaces, namespace) {
			return false
		}
	}
	return true
}

// Abort drops an open set.
func (s *Store) Abort(ctx context.Context, g component.Grant, id string) error {
	return s.write(ctx, func(t *transaction) error {
		set, err := s.set(t, g, id)
		if err != nil {
			return err
		}
		return dropSet(t, set.n)
	})
}

// dropSet drops a set that was not committed. Its bodies become garbage.
func dropSet(t *transaction, n int64) error {
	return t.all([]any{n}, "INSERT INTO garbage SELECT body FROM staged WHERE set_n = ?",
		"DELETE FROM staged WHERE set_n = ?", "DELETE FROM parts WHERE set_n = ?", "DELETE FROM sets WHERE n = ?")
}

func millis(at time.Time) int64 { return at.UnixMilli() }
