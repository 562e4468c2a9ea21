//go:build unix

package e2e

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/postgres"
	"github.com/pipe-engine/pipe/engine/fleet/postgres/postgrestest"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/state"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// The variables of a process that runs the shipped pipeline with its state in PostgreSQL.
const (
	postgresURL    = "PIPE_TEST_POSTGRES"
	postgresSchema = "PIPE_TEST_POSTGRES_SCHEMA"
)

// runJob runs the shipped pipeline as a worker does: with package job alone. It takes --set,
// --approve and --discard-upload.
func runJob() int {
	o := job.Options{Path: shipped, Registry: components.Registry(), Lookup: os.LookupEnv,
		Log: slog.New(slog.DiscardHandler)}
	var r job.RunOptions
	for i := 1; i+1 < len(os.Args); i += 2 {
		switch value := os.Args[i+1]; os.Args[i] {
		case "--set":
			path, text, _ := strings.Cut(value, "=")
			o.Settings = append(o.Settings, pipeline.Setting{Path: path, Value: text})
		case "--approve":
			r.Approve = append(r.Approve, value)
		case "--discard-upload":
			r.Discard = append(r.Discard, value)
		}
	}
	store, err := postgres.Open(context.Background(), postgresAt(os.Getenv(postgresURL), os.Getenv(postgresSchema)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return int(job.ClassOf(err))
	}
	defer store.Close()
	o.State = struct{ state.Store }{store} // without its RequestTime: it waits a moment only, for the time of the test
	result := job.Run(context.Background(), job.Request{Open: o, Run: r})
	if result.Err != nil {
		fmt.Fprintln(os.Stderr, result.Err, report.HintOf(result.Err), strings.Join(report.TableOf(result.Err), "\n"))
		if refused := new(fault.Refusal); errors.As(result.Err, &refused) && refused.ID != "" {
			fmt.Fprintln(os.Stderr, "--approve "+refused.ID)
		}
	}
	return int(result.Class)
}

func postgresAt(url, schema string) postgres.Config {
	return postgres.Config{URL: config.NewSecret(url), Schema: schema, Role: schema,
		Key:   config.NewSecret(postgrestest.Key),
		Lease: config.Duration(6 * time.Second), Request: config.Duration(20 * time.Millisecond), Connections: 3}
}

// TestKillPostgres: what TestKill says also holds for runs whose state is in PostgreSQL, which start again
// on any machine: no upload has to be discarded by a person, and no row is damaged.
func TestKillPostgres(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano() % 1e9)
	}
	readings := gleansandbox.Readings()
	k := newKilled(t, readings[len(readings)-1].Rules, first)
	c := server.Config(t, 20*time.Millisecond)
	k.env[postgresURL], k.env[postgresSchema] = c.URL.Reveal(), c.Schema
	k.env[childVariable] = "job-postgres"
	if err := os.MkdirAll(filepath.Join(k.env["XDG_STATE_HOME"], "pipe"), 0o700); err != nil {
		t.Fatal(err)
	}
	ends := map[int]int{}
	for ends[-1] < min(20, *kills) {
		code, text := k.once(t)
		ends[code]++
		if !slices.Contains([]int{-1, int(job.Done), int(job.Rejected), int(job.Refused), int(job.Unconfirmed)}, code) {
			t.Fatalf("seed %d: exit %d\n%s", first, code, text)
		}
		if strings.Contains(text, "--discard-upload") {
			t.Errorf("seed %d: an upload must be discarded by a person:\n%s", first, text)
		}
	}
	t.Logf("%v, %d requests", ends, k.answers.Load())
	k.clean(t, first)

	store := postgrestest.Open(t, c)
	checked, err := store.Check(t.Context())
	if err != nil || len(checked.Places) == 0 {
		t.Fatalf("%+v, %v", checked, err)
	}
	for _, p := range checked.Places {
		if len(p.Damaged) > 0 {
			t.Errorf("seed %d: %+v", first, p)
		}
	}
	s, err := baseline.Open(store, k.glean.URL()+" backstage")
	if err != nil {
		t.Fatal(err)
	}
	base, err := s.Load()
	if err != nil || base.Condition != baseline.Intact {
		t.Fatalf("%+v, %v", base, err)
	}
	defer base.Close()
	if journal, err := s.Journal(nil); err != nil || !journal.Empty() {
		t.Errorf("seed %d: the journal of a run that ended is not empty: %+v, %v", first, journal, err)
	}
}
