//go:build unix

package postgres_test

import (
	"context"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fleet/postgres"
	"github.com/pipe-engine/pipe/engine/fleet/postgres/postgrestest"
	"github.com/pipe-engine/pipe/engine/state"
	"github.com/pipe-engine/pipe/engine/state/statetest"
)

// where is the settings of a store for another process.
type where struct{ URL, Schema, Key string }

// opened are the stores of this process, by where they are: a process has one.
func settings(at string) (postgres.Config, error) {
	var w where
	err := codec.Unmarshal([]byte(at), &w)
	return postgres.Config{URL: config.NewSecret(w.URL), Schema: w.Schema, Role: w.Schema, Key: config.NewSecret(w.Key),
		Lease: config.Duration(6 * time.Second), Request: config.Duration(time.Minute), Connections: 4}, err
}

func openAt(at string) (state.Store, error) {
	c, err := settings(at)
	if err != nil {
		return nil, err
	}
	return postgres.Open(context.Background(), c)
}

// databases are stores in schemas of one server. A test closes what it opened.
func databases(t *testing.T) statetest.Subject {
	s := child
	s.Open = func(at string) (state.Store, error) {
		in, err := openAt(at)
		if err == nil {
			t.Cleanup(in.(*postgres.Store).Close)
		}
		return in, err
	}
	return s
}

var child = statetest.Subject{
	New: func(t *testing.T) string {
		c := postgrestest.Shared(t).Config(t, time.Minute)
		b, err := codec.Marshal(where{c.URL.Reveal(), c.Schema, c.Key.Reveal()})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	},
	Open: openAt,
	Lose: func(t *testing.T, at string, _ state.Hold) {
		c, err := settings(at)
		if err != nil {
			t.Fatal(err)
		}
		endSessions(t, c.Schema)
	},
	Fenced: true,
}

// endSessions ends the sessions of holders, as an administrator does. Those of other schemas do not run.
func endSessions(t *testing.T, _ string) {
	t.Helper()
	n := postgrestest.Shared(t).Exec(t, "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'")
	if n == 0 {
		t.Fatal("there is no holder")
	}
}

func TestMain(m *testing.M) {
	statetest.Child(child)
	code := postgrestest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

// TestStore: PostgreSQL keeps the promises of a store.
func TestStore(t *testing.T) {
	postgrestest.Shared(t)
	statetest.Run(t, databases(t))
}
