//go:build unix

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/state"
)

// night is a pipeline with its state in PostgreSQL.
type night struct {
	t     *testing.T
	pg    *postgrestest.Server
	cfg   postgres.Config
	store *postgres.Store
	ran   []string // runs
}

func newNight(t *testing.T) *night {
	pg := postgrestest.Shared(t)
	cfg := pg.Config(t, time.Millisecond)
	return &night{t: t, pg: pg, cfg: cfg, store: postgrestest.Open(t, cfg)}
}

// run runs the pipeline with documents.
func (n *night) run(documents int, change func(w *fake.World)) error {
	n.t.Helper()
	w := fake.NewWorld(n.t)
	w.Add("identities", "user", "sam", "fine")
	w.Components(documents, "of sam")
	if len(n.ran) > 0 { // the sink holds what the run before sent
		w.Holdings = component.Holdings{Streams: map[string]int{"users": 1, "documents": documents}}
	}
	if change != nil {
		change(w)
	}
	id := run.NewRunID()
	n.ran = append(n.ran, id)
	_, err := run.Run(n.t.Context(), w.P, run.Options{RunID: id, State: n.store})
	return err
}

func (n *night) baseline(place string) *baseline.Store {
	n.t.Helper()
	s, err := baseline.Open(n.store, place)
	if err != nil {
		n.t.Fatal(err)
	}
	return s
}

// sql runs statements as an administrator of the database. {s} is the schema.
func (n *night) sql(text string) {
	n.t.Helper()
	if n.pg.Exec(n.t, strings.ReplaceAll(text, "{s}", `"`+n.cfg.Schema+`"`)) == 0 {
		n.t.Errorf("%s changed nothing", text)
	}
}

// fill writes a baseline of several chunks for a place.
func (n *night) fill(place string, documents int) {
	n.t.Helper()
	w, err := n.baseline(place).Create(baseline.Header{Run: "01R", Finished: time.Now(),
		Streams: map[string]int{"documents": documents}})
	if err != nil {
		n.t.Fatal(err)
	}
	for i := range documents {
		w.Add(baseline.Entry{Stream: "documents", Kind: "Component", Audience: "all", ID: uint64(i),
			Ref: fmt.Sprintf("component:default/service-%d-with-a-long-name-that-fills-chunks", i)})
	}
	if err := w.Commit(); err != nil {
		n.t.Fatal(err)
	}
}

// damaged is whether a check of the store finds damage.
func (n *night) damaged() bool {
	n.t.Helper()
	r, err := n.store.Check(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	return slices.ContainsFunc(r.Places, func(p postgres.PlaceReport) bool { return len(p.Damaged) > 0 })
}

const of = " WHERE name = '.state' AND place = (SELECT id FROM {s}.places WHERE place = '" + fake.Place + "')"

// tampers are what an administrator of the database, who has not the key, can do to a baseline.
var tampers = map[string]string{
	"change a byte":  "UPDATE {s}.chunks SET data = set_byte(data, 100, get_byte(data, 100) # 1)" + of + " AND number = 1",
	"cut a chunk":    "UPDATE {s}.chunks SET data = substr(data, 1, 1000)" + of + " AND number = 1",
	"delete a chunk": "DELETE FROM {s}.chunks" + of + " AND number = 1",
	"delete the last chunk": "DELETE FROM {s}.chunks" + of +
		" AND number = (SELECT max(number) FROM {s}.chunks" + of + ")",
	"reorder chunks": "UPDATE {s}.chunks c SET data = o.data, mac = o.mac FROM {s}.chunks o WHERE " +
		"c.name = '.state' AND o.name = '.state' AND c.place = o.place AND " +
		"c.place = (SELECT id FROM {s}.places WHERE place = '" + fake.Place + "') AND c.number = 1 AND o.number = 0",
	"copy a chunk of another place": "UPDATE {s}.chunks c SET data = o.data, mac = o.mac FROM {s}.chunks o WHERE " +
		"c.name = '.state' AND o.name = '.state' AND c.number = 1 AND o.number = 1 AND c.place <> o.place AND " +
		"c.place = (SELECT id FROM {s}.places WHERE place = '" + fake.Place + "')",
	"copy the row of another place": "UPDATE {s}.files c SET generation = o.generation, size = o.size, " +
		"chunks = o.chunks, modified = o.modified, mac = o.mac FROM {s}.files o WHERE c.name = '.state' AND " +
		"o.name = '.state' AND " +
		"c.place <> o.place AND c.place = (SELECT id FROM {s}.places WHERE place = '" + fake.Place + "')",
	"put back an older chunk": "UPDATE {s}.chunks c SET data = o.data, mac = o.mac FROM public.older o WHERE " +
		"c.name = o.name AND c.number = o.number AND c.place = o.place AND o.number = 1",
	"put back all older chunks": "DELETE FROM {s}.chunks" + of + "; INSERT INTO {s}.chunks SELECT * FROM public.older",
	"put back the older file": "DELETE FROM {s}.chunks" + of + "; DELETE FROM {s}.files" + of +
		"; INSERT INTO {s}.chunks SELECT * FROM public.older; INSERT INTO {s}.files SELECT * FROM public.older_file",
	"put back the older file and its list": "DELETE FROM {s}.chunks" + of + "; DELETE FROM {s}.files" + of +
		"; INSERT INTO {s}.chunks SELECT * FROM public.older; INSERT INTO {s}.files SELECT * FROM public.older_file" +
		"; UPDATE {s}.places p SET manifest = o.manifest FROM public.older_place o WHERE p.id = o.id",
	"add a chunk of an older version":    "INSERT INTO {s}.chunks SELECT * FROM public.older WHERE number = 0",
	"remove the row and keep the chunks": "DELETE FROM {s}.files" + of,
	"remove the file":                    "DELETE FROM {s}.chunks" + of + "; DELETE FROM {s}.files" + of,
	"change a size":                      "UPDATE {s}.files SET size = size - 1" + of,
	"move the file to another name":      "UPDATE {s}.files SET name = '.state2'" + of,
	"remove it from the list":            "UPDATE {s}.places SET manifest = '' WHERE place = '" + fake.Place + "'",
	"remove the row of the place":        "DELETE FROM {s}.places WHERE place = '" + fake.Place + "'",
	"change the number of the hold": "UPDATE {s}.holds SET fence = fence + 1 WHERE place = " +
		"(SELECT id FROM {s}.places WHERE place = '" + fake.Place + "')",
}

// TestTamper: whatever is done to the rows of a baseline, it is damaged, and a run is refused (exit 4). It
// is never read as another baseline, and never as none.
func TestTamper(t *testing.T) {
	for name, sql := range tampers {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			if err := n.run(3, nil); err != nil {
				t.Fatal(err)
			}
			n.fill("https://store.example.com/other", 9000)
			n.fill(fake.Place, 9000)
			n.pg.Exec(t, "DROP TABLE IF EXISTS older, older_file, older_place")
			n.sql("CREATE TABLE public.older AS SELECT * FROM {s}.chunks" + of)
			n.sql("CREATE TABLE public.older_file AS SELECT * FROM {s}.files" + of)
			n.sql("CREATE TABLE public.older_place AS SELECT * FROM {s}.places")
			n.fill(fake.Place, 9000)
			if n.damaged() {
				t.Error("a check finds damage before there is any")
			}
			if base, err := n.baseline(fake.Place).Load(); err != nil || base.Condition != baseline.Intact {
				t.Fatal(base, err)
			} else {
				base.Close()
			}
			n.sql(sql)
			base, err := n.baseline(fake.Place).Load()
			if err == nil && base.Condition != baseline.Damaged || err != nil && !errors.As(err, new(*state.DamagedError)) {
				if name != "change the number of the hold" {
					t.Errorf("it is %v, %v", base.Condition, err)
				}
			}
			base.Close()
			if !n.damaged() {
				t.Error("a check finds no damage")
			}
			var sent bool
			err = n.run(3, func(w *fake.World) { w.Hook = func(*component.Plan) { sent = true } })
			if got := job.ClassOf(err); got != job.Refused || sent {
				t.Errorf("the run ends with %d, sent %t: %v", got, sent, err)
			}
			remedy := fault.RemedyOf(err)
			if refused := new(fault.Refusal); errors.As(err, &refused) {
				remedy = refused.Remedy
			}
			if remedy != postgres.RemedyDamaged {
				t.Errorf("the remedy is %q", remedy)
			}
		})
	}
}

// TestOtherKey: rows that were written with another key are damaged.
func TestOtherKey(t *testing.T) {
	n := newNight(t)
	if err := n.run(3, nil); err != nil {
		t.Fatal(err)
	}
	n.cfg.Key = config.NewSecret(strings.Repeat("k", 32))
	n.store = postgrestest.Open(t, n.cfg)
	if err := n.run(3, nil); job.ClassOf(err) != job.Refused {
		t.Error(err)
	}
	r, err := n.store.Check(context.Background())
	if err != nil || len(r.Places) != 1 || len(r.Places[0].Damaged) == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestJournalTamper: a journal that was cut, at its beginning or its end, is damaged, and everything is
// published again.
func TestJournalTamper(t *testing.T) {
	for _, number := range []int{0, 3} {
		t.Run(fmt.Sprint(number), func(t *testing.T) { journalTamper(t, newNight(t), number) })
	}
}

func journalTamper(t *testing.T, n *night, number int) {
	s := n.baseline(fake.Place)
	for i := range 2 {
		w, err := s.Begin(baseline.Pushing, fmt.Sprintf("r%d", i), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		w.Intend(1, baseline.Intent{Stream: "documents", ID: "a", Ref: "a"})
		if err := errors.Join(w.Done(), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	n.sql(fmt.Sprintf("DELETE FROM {s}.chunks WHERE name = '.journal' AND number = %d", number))
	for range 2 {
		if j, err := s.Journal(nil); err != nil || j.Damaged == "" || !j.Interrupted {
			t.Fatalf("%+v, %v", j, err)
		}
		w, err := s.Begin(baseline.Publishing, "r3", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Done(), w.Close()); err != nil {
			t.Error(err)
		}
	}
	if err := s.DropJournal(func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if j, err := s.Journal(nil); err != nil || !j.Empty() {
		t.Errorf("%+v, %v", j, err)
	}
}

// TestRepair: a damaged file can be replaced, while the list of the place is whole.
func TestRepair(t *testing.T) {
	n := newNight(t)
	n.fill(fake.Place, 10)
	n.sql("DELETE FROM {s}.files" + of)
	n.fill(fake.Place, 20)
	base, err := n.baseline(fake.Place).Load()
	if err != nil || base.Condition != baseline.Intact {
		t.Fatal(base.Problem, err)
	}
	base.Close()
	n.sql("DELETE FROM {s}.chunks" + of)
	files, err := n.store.Open(fake.Place)
	if err == nil {
		err = files.Remove(".state")
	}
	if err != nil {
		t.Error(err)
	}
	if base, err = n.baseline(fake.Place).Load(); err != nil || base.Condition != baseline.Missing {
		t.Error(base.Condition, err)
	}
}

// TestReset: whatever was done to the rows of a place, a reset makes it a place without a baseline, and
// keeps the hidden list where its rows are whole. Another place keeps its files.
func TestReset(t *testing.T) {
	const other = "https://store.example.com/other"
	hidden := strings.ReplaceAll(of, ".state", ".hidden")
	for name, tc := range map[string]struct {
		sql  string
		want state.Kept
	}{
		"nothing":               {"", state.KeptLatest},
		"the baseline":          {"DELETE FROM {s}.chunks" + of, state.KeptLatest},
		"the hold":              {tampers["change the number of the hold"], state.KeptLatest},
		"the list":              {tampers["remove it from the list"], state.KeptOlder},
		"the row of the place":  {tampers["remove the row of the place"], state.KeptOlder},
		"the hidden list":       {"DELETE FROM {s}.chunks" + hidden, state.KeptLost},
		"the list and the file": {tampers["remove it from the list"] + "; DELETE FROM {s}.files" + hidden, state.KeptLost},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			if err := n.run(3, nil); err != nil {
				t.Fatal(err)
			}
			n.fill(other, 10)
			s := n.baseline(fake.Place)
			err := s.UpdateHidden(func([]baseline.Hidden) ([]baseline.Hidden, error) {
				return []baseline.Hidden{{Ref: "component:default/a", At: time.Now().UTC()}}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if tc.sql != "" {
				n.sql(tc.sql)
			}
			kept, err := n.store.Reset(fake.Place, ".hidden")
			if kept != tc.want || err != nil {
				t.Fatalf("kept %v, %v", kept, err)
			}
			if n.damaged() {
				t.Error("there is still damage")
			}
			all, err := s.Hidden()
			if want := tc.want != state.KeptLost; err != nil || len(all) > 0 != want {
				t.Errorf("%v are hidden, %v", all, err)
			}
			for place, want := range map[string]baseline.Condition{fake.Place: baseline.Missing, other: baseline.Intact} {
				base, err := n.baseline(place).Load()
				if err != nil || base.Condition != want {
					t.Fatalf("%s: %v, %v", place, base.Condition, err)
				}
				base.Close()
			}
			if err := n.run(3, nil); job.ClassOf(err) != job.Refused {
				t.Errorf("a run without a baseline: %v", err)
			}
		})
	}
}

// TestResetHeld: a place that a run holds is not reset, and after a reset requests of earlier holders are
// waited for. Rows that do not prove their place are not removed.
func TestResetHeld(t *testing.T) {
	n := newNight(t)
	n.cfg.Request = config.Duration(time.Minute)
	n.store = postgrestest.Open(t, n.cfg)
	n.fill(fake.Place, 10)
	files, err := n.store.Open(fake.Place)
	if err != nil {
		t.Fatal(err)
	}
	h, err := files.Hold()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.store.Reset(fake.Place, ".hidden"); !errors.Is(err, state.ErrHeld) {
		t.Errorf("it is held: %v", err)
	}
	if err := h.Release(); err != nil {
		t.Fatal(err)
	}
	if kept, err := n.store.Reset(fake.Place, ".hidden"); kept != state.KeptNone || err != nil {
		t.Errorf("kept %v, %v", kept, err)
	}
	if h, err = files.Hold(); err != nil {
		t.Fatal(err)
	}
	if h.Clear().IsZero() {
		t.Error("the next holder does not wait")
	}
	if err := h.Release(); err != nil {
		t.Error(err)
	}
	n.fill("https://store.example.com/other", 10)
	n.sql("DELETE FROM {s}.places WHERE place LIKE '%/other'")
	n.sql(tampers["remove the row of the place"])
	if _, err := n.store.Reset(fake.Place, ".hidden"); !errors.As(err, new(*state.DamagedError)) {
		t.Errorf("rows of another place: %v", err)
	}
}
