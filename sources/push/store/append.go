package store

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/sqlite"
)

const (
	chunkRecords = 500     // records in one transaction of an append
	chunkBytes   = 1 << 20 // bytes of records in one transaction of an append
	idleFor      = 15 * time.Minute
)

// Append stages records in a part of the set. The part is written in chunks, since a slow client
// must block no one, and counts from its last transaction on.
func (s *Store) Append(ctx context.Context, g component.Grant, id string, lines io.Reader, key string) (
	out component.Appended, err error) {
	req, err := newRequest(g, key, "append", id)
	if err != nil {
		return out, err
	}
	const lineEnd = 2
	body := &hashed{from: lines, sum: sha256.New(), left: s.limits.Set + lineEnd*int64(s.limits.Records)}
	known, err := s.hasKey(ctx, req)
	if err != nil {
		return out, err
	}
	if known { // only the hash of the body is needed
		if _, err := io.Copy(io.Discard, body); err != nil {
			return out, fmt.Errorf("read the records: %w", err)
		}
		req.hash = body.request(req)
		err = s.write(ctx, func(t *transaction) error {
			out.Replayed, err = req.answered(t, &out)
			return err
		})
		if err == nil && !out.Replayed { // the key expired a moment ago
			err = refuse(component.PushConflict, "the idempotency key expired", "repeat the request with a new key")
		}
		return out, err
	}
	p, err := s.newPart(ctx, g, id)
	if err != nil {
		return out, err
	}
	err = p.stage(ctx, body)
	if err == nil {
		req.hash = body.request(req)
		out, err = p.finish(ctx, req)
	}
	if err != nil || out.Replayed {
		p.drop(context.WithoutCancel(ctx))
	}
	return out, err
}

// hasKey reports whether a request with the key was answered.
func (s *Store) hasKey(ctx context.Context, req request) (known bool, err error) {
	if req.key == "" {
		return false, nil
	}
	t, err := s.begin(ctx, readOnly)
	if err != nil {
		return false, err
	}
	defer t.tx.Rollback()
	return t.row("SELECT 1 FROM answers WHERE owner = ? AND key = ?", []any{req.owner, req.key}, new(int))
}

// hashed hashes what is read through it.
type hashed struct {
	from io.Reader
	sum  hash.Hash
	left int64 // bytes that may follow
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.from.Read(p)
	h.sum.Write(p[:n])
	if h.left -= int64(n); h.left < 0 {
		return 0, refuse(component.PushTooLarge, "the body is larger than a set and its line ends can be",
			"leave out blank lines, or raise source.push.max_set")
	}
	return n, err
}

// request returns the hash of a request together with its body.
func (h *hashed) request(req request) []byte {
	sum := sha256.Sum256(append(bytes.Clone(req.hash), h.sum.Sum(nil)...))
	return sum[:]
}

// part is an append that is being staged.
type part struct {
	s       *Store
	set     openSet
	id      int64
	number  int
	rows    []row // of the next chunk
	bytes   int64 // of these rows
	records int   // in all chunks
}

// newPart begins a part. It drops parts whose process ended.
func (s *Store) newPart(ctx context.Context, g component.Grant, id string) (*part, error) {
	p := &part{s: s}
	err := s.write(ctx, func(t *transaction) (err error) {
		if p.set, err = s.set(t, g, id); err != nil {
			return err
		}
		now := s.now()
		if err := dropIdle(t, now); err != nil {
			return err
		}
		if _, err := t.row("SELECT coalesce(max(number), 0) + 1 FROM parts WHERE set_n = ?", []any{p.set.n},
			&p.number); err != nil {
			return err
		}
		_, err = t.row("INSERT INTO parts (set_n, number, done, records, bytes, touched) VALUES (?, ?, 0, 0, 0, ?) "+
			"RETURNING id", []any{p.set.n, p.number, millis(now)}, &p.id)
		return err
	})
	return p, err
}

// dropIdle drops parts that were begun and have not grown for a while.
func dropIdle(t *transaction, now time.Time) error {
	const idle = "(SELECT id FROM parts WHERE NOT done AND touched < ?)"
	return t.all([]any{millis(now.Add(-idleFor))}, "INSERT INTO garbage SELECT body FROM staged WHERE part IN "+idle,
		"DELETE FROM staged WHERE part IN "+idle, "DELETE FROM parts WHERE NOT done AND touched < ?")
}

// stage stages all lines of a body.
func (p *part) stage(ctx context.Context, body io.Reader) error {
	lines := bufio.NewScanner(body)
	longest := int(p.s.limits.Record) + 2 // with the end of the line
	lines.Buffer(make([]byte, 0, min(longest, 64<<10)), longest)
	n := 0
	for lines.Scan() {
		n++
		line := lines.Bytes()
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		made, err := p.s.check(bytes.Clone(line), n, p.set.in)
		if err != nil {
			return err
		}
		if err := p.add(ctx, made); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return &component.PushError{Fault: component.PushTooLarge, Line: n + 1,
			Reason: "the line is longer than " + size(p.s.limits.Record), Remedy: "raise source.push.max_record"}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the records: %w", err)
	}
	return p.flush(ctx)
}

func (p *part) add(ctx context.Context, one row) error {
	p.rows, p.bytes = append(p.rows, one), p.bytes+int64(len(one.raw))
	if len(p.rows) < chunkRecords && p.bytes < chunkBytes {
		return nil
	}
	return p.flush(ctx)
}

// flush writes a chunk.
func (p *part) flush(ctx context.Context) error {
	if len(p.rows) == 0 {
		return nil
	}
	err := p.s.write(ctx, func(t *transaction) error {
		grown, err := t.exec("UPDATE parts SET records = records + ?, bytes = bytes + ?, touched = ? WHERE id = ?",
			len(p.rows), p.bytes, millis(p.s.now()), p.id)
		if err != nil || grown == 0 {
			return cmp.Or(err, p.ended())
		}
		var records, bytes int64
		if _, err := t.row("SELECT sum(records), sum(bytes) FROM parts WHERE set_n = ?", []any{p.set.n}, &records,
			&bytes); err != nil {
			return err
		}
		if err := p.s.fits(records, bytes); err != nil {
			return err
		}
		return p.insert(t)
	})
	p.records += len(p.rows)
	p.rows, p.bytes = p.rows[:0], 0
	return err
}

// ended is the error of a part that was dropped while it was staged.
func (p *part) ended() error {
	return refuse(component.PushUnknown, "the set ended during the append, or the append was idle for 15 minutes",
		"repeat it, or begin a new set")
}

// fits refuses a set that is too large.
func (s *Store) fits(records, bytes int64) error {
	switch {
	case bytes > s.limits.Set:
		return refuse(component.PushTooLarge, "the set is larger than "+size(s.limits.Set), "raise source.push.max_set")
	case records > int64(s.limits.Records):
		return refuse(component.PushTooLarge, "the set has more than "+display.Plural(s.limits.Records, "record"),
			"raise source.push.max_records")
	}
	return nil
}

// insert stages the rows of a chunk.
func (p *part) insert(t *transaction) error {
	bodies, err := t.tx.PrepareContext(t.ctx, "INSERT INTO bodies (raw) VALUES (?)")
	if err != nil {
		return t.explain(err)
	}
	defer bodies.Close()
	staged, err := t.tx.PrepareContext(t.ctx, "INSERT INTO staged (set_n, ref, part, line, kind, namespace, body) "+
		"VALUES (?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return t.explain(err)
	}
	defer staged.Close()
	for _, one := range p.rows {
		var body int64
		result, err := bodies.ExecContext(t.ctx, one.raw)
		if err == nil {
			body, err = result.LastInsertId()
		}
		if err != nil {
			return t.explain(err)
		}
		_, err = staged.ExecContext(t.ctx, p.set.n, one.ref, p.id, one.line, one.kind, one.namespace, body)
		if sqlite.IsConflict(err) {
			return p.twice(t, one)
		}
		if err != nil {
			return t.explain(err)
		}
	}
	return nil
}

// twice refuses a record whose ref is in the same append already.
func (p *part) twice(t *transaction, one row) error {
	var first int
	if _, err := t.row("SELECT line FROM staged WHERE set_n = ? AND ref = ? AND part = ?",
		[]any{p.set.n, one.ref, p.id}, &first); err != nil {
		return err
	}
	return &component.PushError{Fault: component.PushInvalid, Line: one.line, Remedy: "push one record for each ref",
		Reason: fmt.Sprintf("the ref %s is also on line %d", one.ref, first)}
}

// finish makes the part count.
func (p *part) finish(ctx context.Context, req request) (out component.Appended, err error) {
	err = p.s.write(ctx, func(t *transaction) error {
		if found, err := req.answered(t, &out); found || err != nil { // the same request at the same time
			out.Replayed = found
			return err
		}
		if err := p.repeated(t); err != nil {
			return err
		}
		if found, err := t.row("UPDATE parts SET done = 1 WHERE id = ? RETURNING number", []any{p.id},
			&out.Append); err != nil || !found {
			return cmp.Or(err, p.ended())
		}
		out.Records = p.records
		if _, err := t.row("SELECT sum(records) FROM parts WHERE set_n = ? AND done", []any{p.set.n},
			&out.Total); err != nil {
			return err
		}
		return req.keep(t, millis(p.s.now()), out)
	})
	return out, err
}

// repeated refuses a part with a ref that another append of the set has.
func (p *part) repeated(t *transaction) error {
	var ref string
	var line, first, number int
	found, err := t.row("SELECT a.ref, a.line, b.line, p.number FROM staged a "+
		"JOIN staged b ON b.set_n = a.set_n AND b.ref = a.ref AND b.part <> a.part JOIN parts p ON p.id = b.part AND p.done "+
		"WHERE a.part = ? ORDER BY a.line LIMIT 1", []any{p.id}, &ref, &line, &first, &number)
	if err != nil || !found {
		return err
	}
	return &component.PushError{Fault: component.PushInvalid, Line: line, Remedy: "push one record for each ref",
		Reason: fmt.Sprintf("the ref %s is also on line %d of append %d", ref, first, number)}
}

// drop removes what the part staged. An error is not returned: a part that is not done never
// counts, and Expire removes it.
func (p *part) drop(ctx context.Context) {
	_ = p.s.write(ctx, func(t *transaction) error {
		return t.all([]any{p.id}, "INSERT INTO garbage SELECT body FROM staged WHERE part = ?",
			"DELETE FROM staged WHERE part = ?", "DELETE FROM parts WHERE id = ?")
	})
}
