//go:build unix

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/postgres"
	"github.com/pipe-engine/pipe/engine/fleet/postgres/postgrestest"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/operate"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/state"
)

// TestRuns: runs compare with each other, and another store of the same schema has what they wrote.
func TestRuns(t *testing.T) {
	n := newNight(t)
	for _, documents := range []int{30, 31} {
		if err := n.run(documents, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.run(2, nil); job.ClassOf(err) != job.Refused {
		t.Fatalf("29 of 31 documents are lost: %v", err)
	}
	n.store = postgrestest.Open(t, n.cfg)
	base, err := n.baseline(fake.Place).Load()
	if err != nil || base.Condition != baseline.Intact || base.Streams["documents"] != 31 || base.Run != n.ran[1] {
		t.Fatalf("%+v, %v", base, err)
	}
	base.Close()
	if s, err := job.ReadState(n.store, fake.Place); err != nil || s.Owner == "" || len(s.Files) < 4 ||
		!strings.Contains(s.Folder, n.cfg.Schema) || strings.Contains(fmt.Sprint(s), postgrestest.Password) {
		t.Errorf("%+v, %v", s, err)
	}
}

// ended publishes after the sessions of the holder were ended.
type ended struct {
	component.Session
	end  func()
	held error
}

func (s *ended) Publish(ctx context.Context, plan *component.Plan) error {
	s.end()
	if s.held = plan.StillHeld(); s.held != nil {
		return s.held
	}
	return s.Session.Publish(ctx, plan)
}

type endedSink struct {
	component.Sink
	session *ended
}

func (s endedSink) Open(ctx context.Context, o component.Opening) (component.Session, error) {
	inner, err := s.Sink.Open(ctx, o)
	s.session.Session = inner
	return s.session, err
}

// TestFencing: a run whose session of PostgreSQL ends makes no request any more, is worth another run, and
// writes nothing, although another run has begun and ended in the meantime.
func TestFencing(t *testing.T) {
	n := newNight(t)
	if err := n.run(30, nil); err != nil {
		t.Fatal(err)
	}
	s := &ended{end: func() {
		endSessions(t, n.cfg.Schema)
		if err := n.run(31, nil); err != nil {
			t.Error("the next run:", err)
		}
	}}
	w := (*fake.World)(nil)
	err := n.run(40, func(its *fake.World) {
		w = its
		w.P.Sink = endedSink{w.Store, s}
	})
	if job.ClassOf(err) != job.Failed || fault.ClassOf(err) != fault.Transient || !errors.As(err, new(*state.LostError)) ||
		s.held == nil {
		t.Errorf("%v, held: %v", err, s.held)
	}
	if w.Sent() {
		t.Error("it sent something")
	}
	base, err := n.baseline(fake.Place).Load()
	if err != nil || base.Streams["documents"] != 31 || base.Run != n.ran[2] {
		t.Errorf("the baseline is that of %s, %v, %v", base.Run, base.Streams, err)
	}
	base.Close()
	if err := n.run(32, nil); err != nil {
		t.Error("afterwards:", err)
	}
}

// TestSuperseded: a holder does not write after the next one has come, although its own session goes on.
// One that has given up the lock notices it.
func TestSuperseded(t *testing.T) {
	n := newNight(t)
	files, err := n.store.Open(fake.Place)
	if err != nil {
		t.Fatal(err)
	}
	h, err := files.Hold()
	if err != nil {
		t.Fatal(err)
	}
	postgres.Supersede(t, h)
	err = state.Replace(files, ".state", func(io.Writer) error { return nil })
	if !errors.As(err, new(*state.LostError)) {
		t.Errorf("it wrote: %v", err)
	}
	if err := h.Check(); err != nil {
		t.Error(err)
	}
	postgres.Unlock(t, h)
	if err := h.Check(); !errors.As(err, new(*state.LostError)) {
		t.Errorf("it does not notice: %v", err)
	}
	h.Release()
}

// TestAppendAtOnce: of two that append at once without a lock, one fails, and nothing is written over.
func TestAppendAtOnce(t *testing.T) {
	n := newNight(t)
	files, err := n.store.Open(fake.Place)
	if err != nil {
		t.Fatal(err)
	}
	a, errA := files.Append(".journal")
	b, errB := files.Append(".journal")
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	io.WriteString(a, "one\n")
	io.WriteString(b, "another\n")
	if a.Sync() != nil || b.Sync() == nil {
		t.Error("both have appended")
	}
	if text, err := state.ReadFile(files, ".journal"); string(text) != "one\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestRowTamper: what Stat and List say of a file is verified, too.
func TestRowTamper(t *testing.T) {
	n := newNight(t)
	n.fill(fake.Place, 10)
	n.sql("UPDATE {s}.files SET modified = modified + 1")
	files, err := n.store.Open(fake.Place)
	if err != nil {
		t.Fatal(err)
	}
	_, statErr := files.Stat(".state")
	_, listErr := files.List(".")
	for _, err := range []error{statErr, listErr} {
		if !errors.As(err, new(*state.DamagedError)) {
			t.Error(err)
		}
	}
}

// TestSuspendedHolder: a holder whose machine was suspended for a lease is not certain of the place until
// the server has answered again.
func TestSuspendedHolder(t *testing.T) {
	n := newNight(t)
	n.cfg.Lease = config.Duration(time.Hour) // nothing asks by itself
	n.store = postgrestest.Open(t, n.cfg)
	files, err := n.store.Open(fake.Place)
	if err != nil {
		t.Fatal(err)
	}
	h, err := files.Hold()
	if err != nil {
		t.Fatal(err)
	}
	postgres.Suspend(h, 59*time.Minute)
	if err := h.Certain(); err != nil {
		t.Errorf("within the lease: %v", err)
	}
	postgres.Suspend(h, time.Minute)
	if err := h.Certain(); !errors.As(err, new(*state.LostError)) {
		t.Errorf("after the lease: %v", err)
	}
	if err := errors.Join(h.Check(), h.Certain(), h.Release()); err != nil {
		t.Error(err)
	}
}

// TestSilentHolder: the server ends the session of a holder from which it hears nothing for a lease, and
// the next holder learns when requests of the earlier one have ended.
func TestSilentHolder(t *testing.T) {
	n := newNight(t)
	n.cfg.Lease, n.cfg.Request = config.Duration(2*time.Second), config.Duration(time.Minute)
	n.store = postgrestest.Open(t, n.cfg)
	postgres.Silence(t)
	files, err := n.store.Open(fake.Place)
	if err != nil {
		t.Fatal(err)
	}
	h, err := files.Hold()
	if err != nil {
		t.Fatal(err)
	}
	other, _ := postgrestest.Open(t, n.cfg).Open(fake.Place)
	if _, err := other.Hold(); !errors.Is(err, state.ErrHeld) {
		t.Fatal(err)
	}
	next := holdWithin(t, other, 20*time.Second)
	if until := time.Until(next.Clear()); until < 50*time.Second || until > time.Minute || !next.Exclusive() {
		t.Errorf("clear in %v, exclusive %t", until, next.Exclusive())
	}
	if err := h.Check(); !errors.As(err, new(*state.LostError)) {
		t.Error(err)
	}
	if err := next.Release(); err != nil {
		t.Error(err)
	}
	h.Release()
}

// TestClear: after the wait for a lost holder, a released place can be used at once again.
func TestClear(t *testing.T) {
	n := newNight(t)
	n.cfg.Request = config.Duration(50 * time.Millisecond)
	n.store = postgrestest.Open(t, n.cfg)
	files, err := n.store.Open(fake.Place)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := files.Hold()
	if err != nil {
		t.Fatal(err)
	}
	endSessions(t, n.cfg.Schema)
	for _, want := range []bool{true, false} {
		h := holdWithin(t, files, 20*time.Second)
		if h.Clear().IsZero() == want {
			t.Errorf("clear at %v", h.Clear())
		}
		time.Sleep(time.Until(h.Clear()))
		if err := h.Release(); err != nil {
			t.Error(err)
		}
	}
	lost.Release()
}

func holdWithin(t *testing.T, files state.Files, limit time.Duration) state.Hold {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) { // the server has no event for it
		h, err := files.Hold()
		if err == nil {
			return h
		}
		if !errors.Is(err, state.ErrHeld) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestServerEnds: when the server ends, a run fails and is worth another try, and what it wrote before is
// there. What is written while the server starts again waits for it.
func TestServerEnds(t *testing.T) {
	pg := postgrestest.Start(t)
	cfg := pg.Config(t, time.Millisecond)
	n := &night{t: t, pg: pg, cfg: cfg, store: postgrestest.Open(t, cfg)}
	if err := n.run(30, nil); err != nil {
		t.Fatal(err)
	}
	s := &ended{end: func() {
		if err := pg.End(); err != nil {
			t.Error(err)
		}
	}}
	err := n.run(31, func(w *fake.World) { w.P.Sink = endedSink{w.Store, s} })
	if job.ClassOf(err) != job.Failed || s.held == nil {
		t.Errorf("%v, held: %v", err, s.held)
	}
	postgres.Patient(n.store, time.Second)
	if _, err := postgres.Open(t.Context(), cfg); !errors.As(err, new(*state.UnavailableError)) ||
		job.ClassOf(err) != job.Failed {
		t.Errorf("open: %v", err)
	}
	files, _ := n.store.Open(fake.Place)
	if _, err := files.Open(".hidden"); errors.Is(err, fs.ErrNotExist) || !errors.As(err, new(*state.UnavailableError)) {
		t.Errorf("a server that does not answer has no hidden list: %v", err)
	}
	postgres.Patient(n.store, time.Minute)
	begun := make(chan error)
	go func() { begun <- pg.Begin() }()
	err = n.baseline(fake.Place).UpdateHidden(func(all []baseline.Hidden) ([]baseline.Hidden, error) { return all, nil })
	if err != nil {
		t.Error(err)
	}
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	if err := n.run(31, nil); err != nil {
		t.Error("afterwards:", err)
	}
}

// TestRoles: the role of a pipeline cannot read or write the schema of another one, not even with the key.
func TestRoles(t *testing.T) {
	pg := postgrestest.Shared(t)
	a, b := pg.Config(t, 0), pg.Config(t, 0)
	put := func(c postgres.Config) error {
		s, err := postgres.Open(t.Context(), c)
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.Usable(); err != nil {
			return err
		}
		files, err := s.Open(fake.Place)
		if err == nil {
			err = state.Replace(files, ".owner", func(w io.Writer) error { return nil })
		}
		return err
	}
	if err := errors.Join(put(a), put(b)); err != nil {
		t.Fatal(err)
	}
	crossed := a
	crossed.Schema = b.Schema
	if err := put(crossed); err == nil || errors.As(err, new(*state.UnavailableError)) ||
		!strings.Contains(err.Error(), "42501") {
		t.Errorf("%v", err)
	}
	pg.Exec(t, "CREATE ROLE worker LOGIN PASSWORD 'worker' NOINHERIT")
	pg.Exec(t, fmt.Sprintf(`GRANT "%s" TO worker`, a.Role))
	a.URL = config.NewSecret(fmt.Sprintf("postgres://worker@127.0.0.1:%d/postgres?sslmode=disable", pg.Port))
	a.Password = config.NewSecret("worker")
	if err := put(a); err != nil {
		t.Errorf("a user who is a member of the role: %v", err)
	}
	b.URL, b.Password = a.URL, a.Password
	if err := put(b); err == nil {
		t.Error("the user took a role that was not granted")
	}
	a.Password = config.NewSecret("wrong")
	if err := put(a); err == nil || strings.Contains(err.Error(), `"wrong"`) || job.ClassOf(err) == job.Done {
		t.Errorf("a wrong password: %v", err)
	}
}

// TestPooler: a pooler in transaction mode is refused, also one that hands out sessions in turn. In
// session mode it is not, and a hold works through it.
func TestPooler(t *testing.T) {
	pg := postgrestest.Shared(t)
	for _, mode := range []string{"transaction", "transaction\nserver_round_robin = 1", "session"} {
		c := pg.Config(t, 0)
		c.URL = config.NewSecret(pg.Pooler(t, mode))
		s, err := postgres.Open(t.Context(), c)
		if mode != "session" {
			if err == nil {
				s.Close()
			}
			if !errors.As(err, new(*fault.StateError)) || !strings.Contains(fmt.Sprint(err), "pooler in transaction mode") {
				t.Errorf("%s: %v", mode, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		files, _ := s.Open(fake.Place)
		h, err := files.Hold()
		if err != nil {
			t.Fatal(err)
		}
		err = state.Replace(files, ".state", func(w io.Writer) error { _, err := w.Write([]byte("x")); return err })
		if err := errors.Join(err, h.Check(), h.Release()); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}

// TestVersions: a schema that is missing or newer than the program is refused, and Init leaves a newer one
// as it is. Init can be called again.
func TestVersions(t *testing.T) {
	pg := postgrestest.Shared(t)
	c := pg.Config(t, 0)
	if from, err := postgres.Init(t.Context(), c); from != postgres.Version() || err != nil {
		t.Errorf("again: %d, %v", from, err)
	}
	missing := c
	missing.Schema = "missing"
	newer := pg.Config(t, 0)
	pg.Exec(t, fmt.Sprintf("INSERT INTO %s.versions (version) VALUES (%d)", newer.Schema, postgres.Version()+1))
	older := pg.Config(t, 0)
	pg.Exec(t, fmt.Sprintf("DELETE FROM %s.versions; INSERT INTO %[1]s.versions (version) VALUES (-1)", older.Schema))
	for want, c := range map[string]postgres.Config{"state init": missing, "newer version of this program": newer,
		"state migrate": older} {
		_, err := postgres.Open(t.Context(), c)
		if !errors.As(err, new(*fault.StateError)) || !strings.Contains(fault.RemedyOf(err), want) {
			t.Errorf("%s: %v, %s", want, err, fault.RemedyOf(err))
		}
	}
	if _, err := postgres.Init(t.Context(), newer); err == nil {
		t.Error("Init changed a newer schema")
	}
	if sql, err := postgres.InitSQL("s", "r"); err != nil || !strings.Contains(sql, `GRANT USAGE ON SCHEMA "s" TO "r"`) {
		t.Error(sql, err)
	}
	for _, bad := range []string{`x"; DROP`, "Upper", "ü"} {
		if _, err := postgres.InitSQL(bad, ""); err == nil {
			t.Errorf("%s is a name", bad)
		}
	}
}

// TestCommandLine: an address on the command line must not have a password, and neither errors nor the
// name of the store have one.
func TestCommandLine(t *testing.T) {
	for _, bad := range []string{"postgres://u:canary@host/db", "postgres://host/db?password=canary",
		"postgres://host/db?sslpassword=canary", "mysql://host/db", "%"} {
		_, err := postgres.FromCommandLine(bad, postgres.Config{})
		if !errors.As(err, new(*fault.Invalid)) || job.ClassOf(err) != job.Wrong || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	c, err := postgres.FromCommandLine("postgres://u@host/db", postgres.Config{Schema: "s"})
	if err != nil || c.URL.Reveal() != "postgres://u@host/db" || c.Schema != "s" {
		t.Errorf("%+v, %v", c, err)
	}
	pg := postgrestest.Shared(t)
	c = pg.Config(t, 0)
	c.URL = config.NewSecret(fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable",
		url.QueryEscape(postgrestest.Password), pg.Port))
	s := postgrestest.Open(t, c)
	if name := s.String(); strings.Contains(name, postgrestest.Password) || !strings.Contains(name, c.Schema) {
		t.Error(name)
	}
	c.URL = config.NewSecret("postgres://postgres:canary-wrong@127.0.0.1:1/postgres?connect_timeout=1")
	if _, err := postgres.Open(t.Context(), c); err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
	c.URL = config.NewSecret("postgres://postgres:canary-wrong@:x/%zz")
	if _, err := postgres.Open(t.Context(), c); err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

// TestFor: each pipeline has a schema and a role of its own.
func TestFor(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"backstage", "payments-eu", "payments_eu", "Payments", "payments", "ümlaut",
		strings.Repeat("long", 20), strings.Repeat("long", 20) + "er", "a b", "a-b"} {
		c := postgres.Config{Role: "role_{pipeline}"}.For(name)
		if seen[c.Schema] != "" || len(c.Schema) > 63 || !strings.HasPrefix(c.Schema, "pipe_") ||
			c.Role != "role_"+strings.TrimPrefix(c.Schema, "pipe_") {
			t.Errorf("%s: %s, %s, as %s", name, c.Schema, c.Role, seen[c.Schema])
		}
		seen[c.Schema] = name
	}
	if c := (postgres.Config{Schema: "fixed"}).For("x"); c.Schema != "fixed" || c.Role != "" {
		t.Errorf("%+v", c)
	}
}

// TestArchive: an archive moves a place from a folder to PostgreSQL and back, byte for byte.
func TestArchive(t *testing.T) {
	n := newNight(t)
	folder := state.Folder(t.TempDir())
	w := fake.NewWorld(t)
	w.Add("identities", "user", "sam", "fine")
	w.Components(30, "of sam")
	if _, err := run.Run(t.Context(), w.P, run.Options{RunID: run.NewRunID(), State: folder}); err != nil {
		t.Fatal(err)
	}
	fake.Folder{T: t, Dir: string(folder)}.Hide(baseline.Hidden{Ref: "component:default/c001", At: time.Now().UTC()})
	archive := filepath.Join(t.TempDir(), "archive")
	if err := operate.ExportState(folder, fake.Place, "01A", archive); err != nil {
		t.Fatal(err)
	}
	if _, err := operate.ImportState(n.store, fake.Place, "01B", archive, false); err != nil {
		t.Fatal(err)
	}
	if _, err := operate.ImportState(n.store, fake.Place, "01B", archive, false); err == nil {
		t.Error("a baseline was replaced without force")
	}
	back := filepath.Join(t.TempDir(), "archive")
	if err := operate.ExportState(n.store, fake.Place, "01C", back); err != nil {
		t.Fatal(err)
	}
	again := state.Folder(t.TempDir())
	if _, err := operate.ImportState(again, fake.Place, "01D", back, false); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".state", ".owner", ".hidden"} {
		var texts []string
		for _, in := range []state.Store{folder, n.store, again} {
			files, err := in.Open(fake.Place)
			if err != nil {
				t.Fatal(err)
			}
			text, err := state.ReadFile(files, name)
			if err != nil {
				t.Error(err)
			}
			texts = append(texts, string(text))
		}
		if texts[0] == "" || texts[1] != texts[0] || texts[2] != texts[0] {
			t.Errorf("%s differs", name)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "pipe-state-*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// TestRequestTimeout: a wait that is shorter than requests usually take is refused, and the store says
// which it has.
func TestRequestTimeout(t *testing.T) {
	for text, good := range map[string]bool{"9s": false, "10s": true} {
		var c postgres.Config
		doc, problems := config.Parse("x.yaml", []byte("key: "+postgrestest.Key+"\nrequest_timeout: "+text+"\n"))
		problems = append(problems, config.Decode(doc.Root(), &c, &config.Variables{})...)
		if problems.HasErrors() == good || !good && !strings.Contains(problems.Error(), "too small") {
			t.Errorf("%s: %v", text, problems)
		}
	}
	n := newNight(t)
	wait, key := n.store.RequestTime()
	if wait != time.Duration(n.cfg.Request) || key != "state.postgres.request_timeout" {
		t.Errorf("%v, %s", wait, key)
	}
}

// TestReadOnly: a server that takes no writes, as after a failover, is worth another try, and what is
// written in the meantime waits for one that takes them, on a new connection.
func TestReadOnly(t *testing.T) {
	n := newNight(t)
	n.pg.Exec(t, "ALTER DATABASE postgres SET default_transaction_read_only = on")
	back := func() {
		n.pg.Exec(t, "BEGIN READ WRITE; ALTER DATABASE postgres RESET default_transaction_read_only; COMMIT")
	}
	defer back()
	n.store = postgrestest.Open(t, n.cfg)
	files, err := n.store.Open(fake.Place)
	if err != nil {
		t.Fatal(err)
	}
	write := func() error { return state.Replace(files, ".owner", func(io.Writer) error { return nil }) }
	postgres.Patient(n.store, time.Millisecond)
	if err := write(); !errors.As(err, new(*state.UnavailableError)) || job.ClassOf(err) != job.Failed ||
		!strings.Contains(err.Error(), "25006") {
		t.Errorf("%v", err)
	}
	postgres.Patient(n.store, 15*time.Second)
	done := make(chan error)
	go func() { done <- write() }()
	back()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
