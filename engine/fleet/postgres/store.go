package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// Store keeps the state of the places of one pipeline in its schema. Close it when nothing uses it.
type Store struct {
	cfg  Config
	pool *pgxpool.Pool
	mac  evidence
	// patience is how long operations are tried again.
	patience time.Duration
	// The names of the tables, quoted.
	versions, places, holds, files, chunks string
}

var (
	_ state.Store        = (*Store)(nil)
	_ state.RequestTimer = (*Store)(nil)
	_ state.Resetter     = (*Store)(nil)
)

// How long operations may take. A small file takes milliseconds, and one of 100 MB a few seconds.
const (
	operationTime = 30 * time.Second
	transferTime  = 10 * time.Minute
	retryTime     = 20 * time.Second
)

// Open connects to the database with the settings of one pipeline (see Config.For). It returns a
// *fault.Invalid for settings that cannot be used, a *fault.StateError for a server that is too old, a
// pooler in transaction mode, and a schema that is missing, older or newer than this program, and a
// *state.UnavailableError when the server does not answer.
func Open(ctx context.Context, c Config) (*Store, error) {
	s, err := connect(ctx, c, c.Role)
	if err != nil {
		return nil, err
	}
	if err := s.check(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// connect makes the pool, and takes a role; "" takes none. It makes no connection.
func connect(ctx context.Context, c Config, role string) (*Store, error) {
	if len(c.Key.Reveal()) < minKey {
		return nil, &fault.Invalid{Reason: fmt.Sprintf("the key of the state in PostgreSQL is shorter than %d characters",
			minKey), Remedy: "make one with: openssl rand -base64 32"}
	}
	if !identifier.MatchString(c.Schema) || role != "" && !identifier.MatchString(role) {
		return nil, &fault.Invalid{
			Reason: fmt.Sprintf("the schema %q or the role %q is not a name that pipe uses", c.Schema, role),
			Remedy: "write lower-case letters, digits, _ and -, beginning with a letter",
		}
	}
	cfg, err := c.connect()
	if err != nil {
		return nil, err
	}
	table := func(name string) string { return pgx.Identifier{c.Schema, name}.Sanitize() }
	s := &Store{cfg: c, patience: retryTime, mac: evidence{[]byte(c.Key.Reveal())},
		versions: table("versions"), places: table("places"), holds: table("holds"),
		files: table("files"), chunks: table("chunks")}
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { return prepare(ctx, conn, role, c.lease()) }
	if s.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, s.failed("connect", err)
	}
	return s, nil
}

// prepare sets up a session. A transaction whose client does not go on ends after a time, since its locks
// would keep others waiting.
func prepare(ctx context.Context, conn *pgx.Conn, role string, lease time.Duration) error {
	set := fmt.Sprintf("SET idle_in_transaction_session_timeout = %d; SET tcp_user_timeout = %d; "+
		"SET lock_timeout = %d; SET search_path = pg_catalog;", lease.Milliseconds(), lease.Milliseconds(),
		operationTime.Milliseconds())
	if role != "" {
		set += " SET ROLE " + pgx.Identifier{role}.Sanitize() + ";"
	}
	if _, err := conn.Exec(ctx, set); err != nil {
		return err
	}
	var synchronous string
	row := conn.QueryRow(ctx, "SHOW synchronous_commit", pgx.QueryExecModeSimpleProtocol)
	if err := row.Scan(&synchronous); err != nil {
		return err
	}
	if synchronous == "off" { // what was acknowledged must be kept
		_, err := conn.Exec(ctx, "SET synchronous_commit = on")
		return err
	}
	return nil
}

// session connects outside the pool, which locks that wait for each other cannot exhaust. The server ends
// the session when it hears nothing for a lease.
func (s *Store) session(ctx context.Context) (*pgx.Conn, error) {
	cfg := s.pool.Config()
	conn, err := pgx.ConnectConfig(ctx, cfg.ConnConfig)
	if err != nil {
		return nil, err
	}
	if err = cfg.AfterConnect(ctx, conn); err == nil {
		_, err = conn.Exec(ctx, fmt.Sprintf("SET idle_session_timeout = %d", s.cfg.lease().Milliseconds()))
	}
	if err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// RequestTime returns the time that a request of a lost holder may take, and its key.
func (s *Store) RequestTime() (time.Duration, string) {
	return time.Duration(s.cfg.Request), "state.postgres.request_timeout"
}

// Close closes all connections except those of holds.
func (s *Store) Close() { s.pool.Close() }

// String returns the server, the database and the schema.
func (s *Store) String() string {
	c := s.pool.Config().ConnConfig
	return fmt.Sprintf("PostgreSQL %s:%d/%s, schema %s", c.Host, c.Port, c.Database, s.cfg.Schema)
}

// Usable returns an error when the schema cannot be written.
func (s *Store) Usable() error {
	ctx, cancel := context.WithTimeout(context.Background(), operationTime)
	defer cancel()
	for _, table := range []string{s.places, s.holds, s.files, s.chunks} {
		var may bool
		err := s.pool.QueryRow(ctx, "SELECT bool_and(has_table_privilege($1, p)) FROM unnest(ARRAY['SELECT', 'INSERT', "+
			"'UPDATE', 'DELETE']) p", table).Scan(&may)
		if err != nil {
			return s.failed("use the state", err)
		}
		if !may {
			return fault.Errorf(fault.Fatal, remedyOf(noPermission), "the role may not write %s in %s", table, s)
		}
	}
	return nil
}

// Open returns the files of a place. It makes no request.
func (s *Store) Open(place string) (state.Files, error) {
	return &files{s: s, place: place}, nil
}
