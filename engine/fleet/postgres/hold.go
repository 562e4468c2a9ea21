package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pipe-engine/pipe/engine/state"
)

// hold is an advisory lock of a session of its own. The server ends the session when it hears nothing for
// a lease; the holder asks much more often.
type hold struct {
	f       *files
	pid     uint32
	fence   int64
	clear   time.Time
	lost    chan struct{}
	ended   chan struct{} // closed by Release
	stopped chan struct{} // closed when nothing asks any more
	until   atomic.Pointer[time.Time]

	mu   sync.Mutex // protects the connection, which one goroutine at a time uses
	conn *pgx.Conn
	err  error // why it was lost
}

var _ state.Hold = (*hold)(nil)

// asks is how often a holder asks in a lease, and answers how much of a lease an answer may take: a holder
// notices that the server does not answer in half a lease.
const (
	asks    = 6
	answers = 3
)

// silent makes holders ask nothing; for tests.
var silent atomic.Bool

func (f *files) Hold() (state.Hold, error) {
	ctx, cancel := context.WithTimeout(context.Background(), operationTime)
	defer cancel()
	conn, err := f.s.session(ctx)
	if err != nil {
		return nil, f.s.failed("take the place", err)
	}
	h := &hold{f: f, conn: conn, lost: make(chan struct{}), ended: make(chan struct{}), stopped: make(chan struct{})}
	if err := h.take(ctx); err != nil {
		_ = conn.Close(ctx)
		return nil, f.s.failed("take the place", err)
	}
	f.mu.Lock()
	f.hold = h
	f.mu.Unlock()
	go h.renew()
	return h, nil
}

func (h *hold) key() int64 { return lockKey("hold", h.f.s.cfg.Schema, h.f.place) }

func (h *hold) take(ctx context.Context) error {
	h.answered(time.Now())
	var is bool
	err := h.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1), pg_backend_pid()", h.key()).Scan(&is, &h.pid)
	if err != nil {
		return err
	}
	if !is {
		return state.ErrHeld
	}
	return pgx.BeginFunc(ctx, h.conn, func(tx pgx.Tx) error { return h.next(ctx, tx) })
}

func (f *files) holdMAC(fence int64, released bool) *macWriter {
	return f.s.mac.of(macHold, f.place).number(fence).flag(released)
}

// next takes the next number of the place.
func (h *hold) next(ctx context.Context, tx pgx.Tx) error {
	id, err := h.f.ensurePlace(ctx, tx)
	if err != nil {
		return err
	}
	fence, released, err := h.f.readHold(ctx, tx, id, "FOR UPDATE")
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if err == nil && !released {
		h.clear = time.Now().Add(time.Duration(h.f.s.cfg.Request))
	}
	h.fence = fence + 1
	_, err = tx.Exec(ctx, "INSERT INTO "+h.f.s.holds+" (place, fence, released, mac) VALUES ($1, $2, false, $3) "+
		"ON CONFLICT (place) DO UPDATE SET fence = $2, released = false, mac = $3", id, h.fence,
		h.f.holdMAC(h.fence, false).sum())
	return err
}

// readHold returns the row of the hold of a place, locked.
func (f *files) readHold(ctx context.Context, tx pgx.Tx, place int64, lock string) (
	fence int64, released bool, err error) {
	var mac []byte
	err = tx.QueryRow(ctx, "SELECT fence, released, mac FROM "+f.s.holds+" WHERE place = $1 "+lock, place).
		Scan(&fence, &released, &mac)
	if err == nil && !f.holdMAC(fence, released).is(mac) {
		err = damaged(f.String(), "the row of its hold was not written with this key, or was changed")
	}
	return fence, released, err
}

// hasLock is whether a session has the lock: $1 and $2 are the halves of its number, $3 the session.
const hasLock = "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE " +
	"d.datname = current_database() AND l.locktype = 'advisory' AND l.classid = $1::bigint::oid AND " +
	"l.objid = $2::bigint::oid AND l.objsubid = 1 AND l.pid = $3 AND l.granted)"

// halves returns the number of the lock as pg_locks has it.
func (h *hold) halves() (high, low int64) {
	key := uint64(h.key())
	return int64(key >> 32), int64(key & 0xffffffff)
}

// fenced returns an error, in a transaction that writes, unless this is the last holder of the place and
// its session has the lock. Another holder cannot come before the transaction ends.
func (h *hold) fenced(ctx context.Context, tx pgx.Tx, place int64) error {
	fence, _, err := h.f.readHold(ctx, tx, place, "FOR SHARE")
	if errors.Is(err, pgx.ErrNoRows) {
		return h.lostError(errors.New("the row of its hold is missing"))
	}
	if err != nil {
		return err
	}
	if fence != h.fence {
		return h.lostError(fmt.Errorf("holder %d has it, and this one is %d", fence, h.fence))
	}
	high, low := h.halves()
	var is bool
	if err := tx.QueryRow(ctx, hasLock, high, low, int64(h.pid)).Scan(&is); err != nil {
		return err
	}
	if !is {
		return h.lostError(errSession)
	}
	return nil
}

var errSession = errors.New("its session of PostgreSQL has ended")

func (h *hold) lostError(err error) error { return &state.LostError{Place: h.f.place, Err: err} }

func (h *hold) Lost() <-chan struct{} { return h.lost }

// renew asks until the hold is lost or released.
func (h *hold) renew() {
	defer close(h.stopped)
	ticker := time.NewTicker(h.f.s.cfg.lease() / asks)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if !silent.Load() && h.Check() != nil {
				return
			}
		case <-h.ended:
			return
		}
	}
}

func (h *hold) Check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return h.err
	}
	if err := h.ask(); err != nil {
		h.err = h.lostError(err)
		close(h.lost)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = h.conn.Close(ctx)
	}
	return h.err
}

// ask asks the server whether this session, and not that of another client of a pooler, has the lock.
func (h *hold) ask() error {
	ctx, cancel := context.WithTimeout(context.Background(), h.f.s.cfg.lease()/answers)
	defer cancel()
	var pid uint32
	var is bool
	high, low := h.halves()
	asked := time.Now()
	err := h.conn.QueryRow(ctx, "SELECT pg_backend_pid(), ("+hasLock+")", high, low, int64(h.pid)).Scan(&pid, &is)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %v", errSession, err)
	case pid != h.pid || !is:
		return errSession
	}
	h.answered(asked)
	return nil
}

// answered notes that the server has answered what was asked at a time: it keeps the session for a lease
// from then on.
func (h *hold) answered(asked time.Time) {
	until := asked.Add(h.f.s.cfg.lease())
	h.until.Store(&until)
}

func (h *hold) Certain() error {
	select {
	case <-h.lost:
		return h.lostError(errSession)
	default:
	}
	if state.Passed(*h.until.Load()) {
		return h.lostError(errors.New("PostgreSQL has not answered for a lease"))
	}
	return nil
}

// Exclusive is true: the server ends the session of a holder before another one has the lock.
func (h *hold) Exclusive() bool { return true }

func (h *hold) Clear() time.Time { return h.clear }

func (h *hold) Release() error {
	close(h.ended)
	<-h.stopped
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil { // the files stay those of a holder that lost the place
		return h.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), operationTime)
	defer cancel()
	err := pgx.BeginFunc(ctx, h.conn, func(tx pgx.Tx) error {
		p, err := h.f.readPlace(ctx, tx, false)
		if err != nil || p == nil {
			return err
		}
		fence, _, err := h.f.readHold(ctx, tx, p.id, "FOR UPDATE")
		if err != nil || fence != h.fence {
			return err
		}
		if time.Now().Before(h.clear) { // requests of an earlier holder may be on their way: the next one waits for them
			return nil
		}
		_, err = tx.Exec(ctx, "UPDATE "+h.f.s.holds+" SET released = true, mac = $2 WHERE place = $1", p.id,
			h.f.holdMAC(fence, true).sum())
		return err
	})
	if err == nil { // the server notices the end of the session only a moment later
		_, err = h.conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", h.key())
	}
	h.f.mu.Lock()
	h.f.hold = nil
	h.f.mu.Unlock()
	return h.f.s.failed("release the place", errors.Join(err, h.conn.Close(ctx)))
}
