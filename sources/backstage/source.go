package backstage

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Source reads a catalog.
type Source struct {
	cfg  *Config
	api  api
	conn *connection.Connection
	// guarded is the allow list, the audit log and the way to the server.
	guarded *watch
	log     *slog.Logger

	mu       sync.Mutex
	sites    sites
	techDocs techDocs

	read     int // emitted entities
	notes    []string
	empty    []string       // kinds that are read and have no entity
	expected map[string]int // totalItems of the first page of each kind
}

var (
	_ component.Source    = (*Source)(nil)
	_ component.Confirmer = (*Source)(nil)
	_ component.Estimator = (*Source)(nil)
	_ component.Getter    = (*Source)(nil)
	_ component.Checker   = (*Source)(nil)
	_ component.Diagnoser = (*Source)(nil)
	_ component.Certified = (*Source)(nil)
	_ component.Noter     = (*Source)(nil)
)

// Open reads certificate and token files and opens no connection.
func Open(cfg *Config, s component.Settings) (*Source, error) {
	settings := connection.Settings{
		Name: "backstage", URL: strings.TrimRight(cfg.URL, "/"), Token: cfg.Token, UserAgent: s.UserAgent,
		Allow: allowed, LoopbackOnly: s.Loopback, InsecureRemote: true, Log: s.Log,
		Redactor: s.Redactor, Observe: s.Observe,
	}
	own := cfg.Config
	w, err := newWatch(cfg, s)
	if err != nil {
		return nil, err
	}
	if w.way != nil {
		settings.Way, settings.LoopbackOnly = w.way, false
		own.TLS, own.Proxy = connection.TLS{Verify: true}, connection.Proxy{}
	}
	if cfg.Allow != nil || cfg.Audit != nil {
		settings.Watch = w.begin
	}
	conn, err := connection.New(own, settings)
	if err != nil {
		w.close()
		return nil, err
	}
	log := s.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Source{cfg: cfg, api: api{conn, &atomic.Bool{}}, conn: conn, guarded: w, log: log, notes: conn.Warnings()}, nil
}

// Close closes idle connections.
func (s *Source) Close() error {
	s.conn.Close()
	return s.guarded.close()
}

// Diagnose goes to the server step by step and sends no request.
func (s *Source) Diagnose(ctx context.Context) []component.Finding { return s.conn.Diagnose(ctx) }

// CertificateExpiry is when the client certificate expires, zero without one.
func (s *Source) CertificateExpiry() time.Time { return s.conn.CertificateExpiry() }

// Notes returns the warnings of the connection, announced removals in Backstage, and
// irregularities of the catalog.
func (s *Source) Notes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	notes := slices.Concat(s.notes, s.conn.Deprecations())
	if head := s.guarded.head(); head != "" {
		notes = append(notes, "the audit log of requests to Backstage has the line "+head)
	}
	if len(s.empty) > 0 {
		notes = append(notes, fmt.Sprintf("Backstage shows no entity of kind %s: %s", strings.Join(s.empty, ", "), emptyKind))
	}
	return notes
}

// Estimates returns what Backstage counted on the first page of each kind: it counts rows,
// and does not count again while a kind is read.
func (s *Source) Estimates() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.expected)
}

func (s *Source) expect(kind string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expected == nil {
		s.expected = map[string]int{}
	}
	s.expected[kind] = n
}

// Read reads the kinds of a phase, some of them at the same time.
func (s *Source) Read(ctx context.Context, phase component.Phase, emit component.Emit) error {
	emit = s.watch(emit)
	kinds := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError().WithMaxGoroutines(max(1, s.cfg.Concurrency))
	counts := make([]int, len(phase.Kinds))
	for i, k := range phase.Kinds {
		kinds.Go(func(ctx context.Context) error {
			r := &reader{Source: s, kind: k.Name, filter: parameters(k.Name, s.cfg.Filters),
				size: newPageSize(s.cfg.PageSize, int64(s.cfg.MaxResponse)), emit: emit}
			n, err := r.read(ctx)
			counts[i] = n
			if err != nil {
				return fmt.Errorf("read kind %s: %w", k.Name, err)
			}
			return nil
		})
	}
	if err := kinds.Wait(); err != nil {
		return err
	}
	return s.weigh(ctx, phase, counts)
}

// weigh checks the number of entities in a phase. Without permission Backstage answers with
// empty lists, so an empty catalog is an error.
func (s *Source) weigh(ctx context.Context, phase component.Phase, counts []int) error {
	for _, n := range counts {
		s.read += n
	}
	if s.read == 0 && len(phase.Kinds) > 0 {
		total, err := s.api.count(ctx, nil)
		if err != nil {
			return err
		}
		if total == 0 {
			return emptyCatalog()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, k := range phase.Kinds {
		if counts[i] == 0 && !k.Off {
			s.empty = append(s.empty, k.Name+s.filtered(k.Name))
		}
	}
	return nil
}

const emptyKind = "if it should, check what the token may read (its accessRestrictions), the filters and the " +
	"kind's spelling; if not, switch the kind off"

// filtered reminds of filters that may be why a kind is empty.
func (s *Source) filtered(kind string) string {
	for _, f := range s.cfg.Filters {
		if f.restricts(kind) {
			return " that the filters let through"
		}
	}
	return ""
}

func emptyCatalog() *fault.Refusal {
	return fault.EmptyRead("the catalog is empty: Backstage returned no entity",
		"a token that may not read the catalog gets the same response: give it `plugin: catalog` with permission "+
			"catalog.entity.read under accessRestrictions, or none; or Backstage has just started and is still "+
			"filling its catalog")
}
