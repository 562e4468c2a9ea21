//go:build unix

package postgrestest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fleet/postgres"
)

// Password is the password of the superuser postgres on the port. On the socket it needs none.
const Password = "canary-of-postgres"

// Key is a key for Config.Key.
const Key = "a key of 32 characters for tests."

// Server is a running cluster.
type Server struct {
	Dir  string // with the socket
	Port int
	bin  string
	as   *syscall.Credential
	cmd  *exec.Cmd
	log  *os.File
	mu   sync.Mutex
	n    int // schemas
}

// startTime is how long a server may take to start or to end.
const startTime = time.Minute

// Start starts a server for a test, and ends it with the test. It skips the test where PostgreSQL is not
// installed.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := start()
	if s == nil && err == nil {
		t.Skip("PostgreSQL is not installed (apt-get install postgresql)")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Shared starts one server for all tests of a package; Main ends it.
func Shared(t testing.TB) *Server {
	t.Helper()
	s, err := shared()
	if s == nil && err == nil {
		t.Skip("PostgreSQL is not installed (apt-get install postgresql)")
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var (
	begun  = false
	shared = sync.OnceValues(func() (*Server, error) { begun = true; return start() })
)

// Main runs the tests of a package, ends the shared server and returns the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if !begun {
		return code
	}
	if s, _ := shared(); s != nil {
		if err := s.stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return max(code, 1)
		}
	}
	return code
}

// programs returns the folder with the programs of the newest PostgreSQL; "" when there is none.
func programs() string {
	all, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if path, err := exec.LookPath("initdb"); err == nil {
		all = append(all, filepath.Dir(path))
	}
	version := func(dir string) int { n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir))); return n }
	slices.SortFunc(all, func(a, b string) int { return version(b) - version(a) })
	for _, dir := range all {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir
		}
	}
	return ""
}

// start returns nil where PostgreSQL is not installed.
func start() (*Server, error) {
	bin := programs()
	if bin == "" {
		return nil, nil
	}
	dir, err := os.MkdirTemp("/tmp", "pipe-pg-") // short: the path of a socket has at most 107 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, bin: bin}
	if err = s.init(); err == nil {
		err = s.Begin()
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

// init makes the cluster. PostgreSQL refuses root, which therefore makes it for the user postgres.
func (s *Server) init() error {
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return err
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(s.Dir, uid, gid); err != nil {
			return err
		}
	}
	password := filepath.Join(s.Dir, "password")
	if err := os.WriteFile(password, []byte(Password+"\n"), 0o644); err != nil {
		return err
	}
	out, err := s.command("initdb", "-D", s.data(), "-U", "postgres", "--auth-local=trust",
		"--auth-host=scram-sha-256", "--pwfile="+password, "--no-sync", "-E", "UTF8", "--locale=C").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s.Port, err = freePort()
	return err
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir, cmd.Env = s.Dir, append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = attributes(s.as)
	return cmd
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Begin starts a server that End has ended.
func (s *Server) Begin() (err error) {
	if s.log, err = os.OpenFile(filepath.Join(s.Dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return err
	}
	s.cmd = s.command("postgres", "-D", s.data(), "-k", s.Dir, "-p", strconv.Itoa(s.Port),
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200")
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() != nil {
			text, _ := os.ReadFile(s.log.Name())
			return fmt.Errorf("PostgreSQL does not start: %w\n%s", err, bytes.TrimSpace(text))
		}
		time.Sleep(20 * time.Millisecond) // the server has no event for it
	}
}

// End ends the server at once, as a failure of its machine does for its clients. Begin starts it again.
func (s *Server) End() error {
	if err := s.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return err
	}
	s.cmd.Wait()
	return s.log.Close()
}

func (s *Server) stop() error {
	defer os.RemoveAll(s.Dir)
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	ended := time.AfterFunc(startTime, func() { s.cmd.Process.Kill() })
	defer ended.Stop()
	s.cmd.Wait()
	return s.log.Close()
}

// URL is the address of the database postgres for the superuser, on the socket.
func (s *Server) URL() string { return s.As("postgres") }

// As is the address for a user, on the socket.
func (s *Server) As(name string) string {
	return fmt.Sprintf("postgres://%s@/postgres?host=%s&port=%d", name, url.QueryEscape(s.Dir), s.Port)
}

// Exec runs statements as the superuser.
func (s *Server) Exec(t testing.TB, sql string, args ...any) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	tag, err := conn.Exec(ctx, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return tag.RowsAffected()
}

// Config returns the settings of a schema and a role that are set up. It connects as the superuser, who
// takes the role. request is Config.Request.
func (s *Server) Config(t testing.TB, request time.Duration) postgres.Config {
	t.Helper()
	s.mu.Lock()
	s.n++
	name := fmt.Sprintf("pipe_%d", s.n)
	s.mu.Unlock()
	c := postgres.Config{URL: config.NewSecret(s.URL()), Schema: name, Role: name, Key: config.NewSecret(Key),
		Lease: config.Duration(6 * time.Second), Request: config.Duration(request), Connections: 4}
	if _, err := postgres.Init(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

// Open opens the store of settings, and closes it with the test.
func Open(t testing.TB, c postgres.Config) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Pooler starts pgbouncer in a mode for the server, and returns the address of the database through it.
// It skips the test where pgbouncer is not installed.
func (s *Server) Pooler(t testing.TB, mode string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program = "/usr/sbin/pgbouncer"; !exists(program) {
			t.Skip("pgbouncer is not installed (apt-get install pgbouncer)")
		}
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.Dir, fmt.Sprintf("pgbouncer-%d.ini", port))
	text := fmt.Sprintf("[databases]\npostgres = host=%s port=%d user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"+
		"listen_port = %d\nunix_socket_dir =\nauth_type = any\npool_mode = %s\n", s.Dir, s.Port, port, mode)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-q", file)
	cmd.Dir, cmd.SysProcAttr = s.Dir, attributes(s.as)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	at := fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, at)
		if err == nil {
			conn.Close(ctx)
			return at
		}
		if ctx.Err() != nil {
			t.Fatalf("pgbouncer does not start: %v\n%s", err, strings.TrimSpace(out.String()))
		}
		time.Sleep(20 * time.Millisecond) // it has no event for it
	}
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }
