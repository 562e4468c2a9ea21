//go:build linux

package e2e

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// postgres is a PostgreSQL server of a test's own.
type postgres struct {
	bin, data, port string
	as              *syscall.Credential // who it runs as; nil: the one who runs the test
	server          *process
}

// superuser is the role that may do anything.
const superuser = "postgres"

// newPostgres skips the test where PostgreSQL is not there.
func newPostgres(t testing.TB) *postgres {
	t.Helper()
	folder, err := os.MkdirTemp("", "pipe-postgres-") // the folders of t.TempDir are for their owner only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	s := &postgres{bin: postgresPrograms(t), data: filepath.Join(folder, "data"), port: freePort(t)}
	if os.Getuid() == 0 { // PostgreSQL does not run as root
		s.as = postgresUser(t)
		if err := os.Chown(folder, int(s.as.Uid), int(s.as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	initdb := start(t, starting{program: filepath.Join(s.bin, "initdb"), user: s.as, folder: "/",
		args: []string{"--pgdata", s.data, "--username", superuser, "--auth", "trust", "--encoding", "UTF8", "--locale", "C",
			"--no-sync"}})
	if code := initdb.exit(t); code != 0 {
		t.Fatalf("initdb: exit %d: %s", code, initdb.said())
	}
	s.start(t)
	return s
}

// postgresPrograms is the folder of the newest PostgreSQL.
func postgresPrograms(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path)
		}
	}
	all, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(all) == 0 {
		t.Skip("PostgreSQL is not installed (apt-get install postgresql)")
	}
	return filepath.Dir(slices.MaxFunc(all, func(a, b string) int {
		version := func(path string) int {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
			return n
		}
		return version(a) - version(b)
	}))
}

func postgresUser(t testing.TB) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skipf("root cannot run PostgreSQL without its user: %v", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// start starts it, again on the port that it had, and waits until it takes connections.
func (s *postgres) start(t testing.TB) {
	t.Helper()
	s.server = start(t, starting{program: filepath.Join(s.bin, "postgres"), user: s.as, folder: "/",
		args: []string{"-D", s.data, "-h", "127.0.0.1", "-p", s.port, "-k", "", "-c", "fsync=off",
			"-c", "max_connections=200", "-c", "log_min_messages=warning"}})
	until(t, "PostgreSQL takes connections", func() bool {
		c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", s.port), time.Second)
		if err != nil {
			return false
		}
		c.Close()
		_, err = s.try("SELECT 1")
		return err == nil
	})
}

// restart ends it at once, as a crash does, and starts it again.
func (s *postgres) restart(t testing.TB) {
	t.Helper()
	s.server.signal(syscall.SIGQUIT)
	s.server.exit(t)
	s.start(t)
}

func (s *postgres) try(statement string) (string, error) {
	c := exec.Command(filepath.Join(s.bin, "psql"), "-h", "127.0.0.1", "-p", s.port, "-U", superuser, "-d", "postgres", "-v",
		"ON_ERROR_STOP=1", "-Atqc", statement)
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// query runs a statement as superuser.
func (s *postgres) query(t testing.TB, statement string) string {
	t.Helper()
	out, err := s.try(statement)
	if err != nil {
		t.Fatalf("%s: %v: %s", statement, err, out)
	}
	return out
}

// until waits until something holds that no event reports.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	untilWithin(t, patience, what, holds)
}

func untilWithin(t testing.TB, most time.Duration, what string, holds func() bool) {
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

// disconnect cuts all connections.
func (s *postgres) disconnect(t testing.TB) {
	t.Helper()
	s.query(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = "+
		"'client backend'")
}
