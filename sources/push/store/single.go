package store

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/pipe-engine/pipe/engine/component"
)

// Upsert adds or replaces one record.
func (s *Store) Upsert(ctx context.Context, g component.Grant, ref string, record io.Reader, key string) (
	component.Changed, error) {
	raw, err := io.ReadAll(io.LimitReader(record, s.limits.Record+1))
	if err != nil {
		return component.Changed{}, fmt.Errorf("read the record: %w", err)
	}
	if int64(len(raw)) > s.limits.Record { // spaces count, since what follows them was not read
		return component.Changed{}, s.tooLarge(1)
	}
	req, err := newRequest(g, key, "upsert", ref, string(raw))
	if err != nil {
		return component.Changed{}, err
	}
	allowed, err := s.single(g)
	if err != nil {
		return component.Changed{}, err
	}
	made, err := s.check(bytes.TrimSpace(raw), 1, allowed)
	if err != nil {
		return component.Changed{}, err
	}
	if named, _ := s.model.ParseRef(ref); ref != "" && named != made.ref {
		return component.Changed{}, refuse(component.PushInvalid, fmt.Sprintf("the record has the ref %s, not %q", made.ref,
			ref), "push it with its own ref")
	}
	return s.change(ctx, g, req, made.ref, func(t *transaction, old row) (row, error) {
		switch {
		case old.ref != "" && (old.kind != made.kind || old.namespace != made.namespace):
			return row{}, taken(made.ref, "")
		case old.ref != "" && bytes.Equal(old.raw, made.raw):
			return row{}, nil
		}
		if err := remove(t, made.ref); err != nil {
			return row{}, err
		}
		var body int64
		if _, err := t.row("INSERT INTO bodies (raw) VALUES (?) RETURNING id", []any{made.raw}, &body); err != nil {
			return row{}, err
		}
		if _, err := t.exec("INSERT INTO records (ref, kind, namespace, body) VALUES (?, ?, ?, ?)", made.ref, made.kind,
			made.namespace, body); err != nil {
			return row{}, err
		}
		return made, s.fitsStore(t)
	})
}

// Delete removes one record.
func (s *Store) Delete(ctx context.Context, g component.Grant, text, key string) (component.Changed, error) {
	req, err := newRequest(g, key, "delete", text)
	if err != nil {
		return component.Changed{}, err
	}
	allowed, err := s.single(g)
	if err != nil {
		return component.Changed{}, err
	}
	ref, ok := s.model.ParseRef(text)
	if !ok {
		return component.Changed{}, refuse(component.PushInvalid, "the text is not a ref",
			"write "+s.model.RefHint(text, ""))
	}
	return s.change(ctx, g, req, ref, func(t *transaction, old row) (row, error) {
		switch {
		case old.ref == "":
			return row{}, nil
		case !s.includes(allowed, old.kind, old.namespace):
			return row{}, refuse(component.PushForbidden, ref+" is of a kind or namespace outside the token", "")
		}
		return old, remove(t, ref)
	})
}

// single returns the scope of a grant that may change single records.
func (s *Store) single(g component.Grant) (scope, error) {
	allowed, err := s.allowed(g)
	if err == nil && allowed.Identities {
		err = refuse(component.PushForbidden, "people and groups cannot be pushed one at a time",
			"push all of them in one set")
	}
	return allowed, err
}

// change calls do with the stored record of a ref, which has no ref when there is none. do
// returns the record that it changed, without a ref when it changed nothing.
func (s *Store) change(ctx context.Context, g component.Grant, req request, ref string,
	do func(t *transaction, old row) (row, error)) (out component.Changed, err error) {
	err = s.write(ctx, func(t *transaction) error {
		if found, err := req.answered(t, &out); found || err != nil {
			out.Replayed = found
			return err
		}
		out.Ref = ref
		if _, err := t.row("SELECT generation FROM store", nil, &out.Generation); err != nil {
			return err
		}
		if out.Generation == 0 {
			return refuse(component.PushConflict, "no set was ever committed, so the stored records would be incomplete",
				"push a full set first")
		}
		var old row
		if _, err := t.row("SELECT ref, kind, namespace, raw FROM records JOIN bodies ON id = body WHERE ref = ?", []any{ref},
			&old.ref, &old.kind, &old.namespace, &old.raw); err != nil {
			return err
		}
		what, err := do(t, old)
		if err != nil {
			return err
		}
		if out.Changed = what.ref != ""; out.Changed {
			in := scope{Kinds: []string{what.kind}, Namespaces: []string{what.namespace}}
			if out.Generation, err = s.changed(t, g, change{ref: ref, in: in}); err != nil {
				return err
			}
		}
		return req.keep(t, millis(s.now()), out)
	})
	return out, err
}

// remove removes a stored record, if there is one.
func remove(t *transaction, ref string) error {
	return t.all([]any{ref}, "INSERT INTO garbage SELECT body FROM records WHERE ref = ?",
		"DELETE FROM records WHERE ref = ?")
}
