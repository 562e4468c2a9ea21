//go:build linux

package e2e

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fleet/postgres/postgrestest"
)

// restart ends PostgreSQL at once, as a crash does, and starts it again.
func restart(t testing.TB, s *postgrestest.Server) {
	t.Helper()
	if err := s.End(); err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
}

// disconnect cuts all connections to PostgreSQL.
func disconnect(t testing.TB, s *postgrestest.Server) {
	t.Helper()
	s.Exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "+
		"backend_type = 'client backend'")
}

// query returns the result of a statement, as psql prints it.
func query(t testing.TB, s *postgrestest.Server, statement string) string {
	t.Helper()
	program, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("psql is not installed (apt-get install postgresql-client)")
	}
	out, err := exec.Command(program, s.URL(), "-Atqc", statement).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", statement, err, out)
	}
	return strings.TrimSpace(string(out))
}

// until waits until something holds that no event reports.
func until(t testing.TB, most time.Duration, what string, holds func() bool) {
	t.Helper()
	late := time.After(most)
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for !holds() {
		select {
		case <-every.C:
		case <-late:
			t.Fatalf("not within %v: %s", most, what)
		}
	}
}
