package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipe-engine/pipe/engine/fault"
)

// migrations are the steps from each version of the schema to the next. {schema} is its name. A release
// changes none of them and appends its own.
var migrations = []string{
	`CREATE TABLE {schema}.places (
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	place    text   NOT NULL UNIQUE,
	version  bigint NOT NULL,
	manifest bytea  NOT NULL,
	mac      bytea  NOT NULL
);
CREATE TABLE {schema}.holds (
	place    bigint  PRIMARY KEY,
	fence    bigint  NOT NULL,
	released boolean NOT NULL,
	mac      bytea   NOT NULL
);
CREATE TABLE {schema}.files (
	place      bigint NOT NULL,
	name       text   NOT NULL,
	generation bigint NOT NULL,
	size       bigint NOT NULL,
	chunks     bigint NOT NULL,
	modified   bigint NOT NULL,
	mac        bytea  NOT NULL,
	PRIMARY KEY (place, name)
);
CREATE TABLE {schema}.chunks (
	place      bigint NOT NULL,
	name       text   NOT NULL,
	generation bigint NOT NULL,
	number     bigint NOT NULL,
	data       bytea  NOT NULL,
	mac        bytea  NOT NULL,
	PRIMARY KEY (place, name, generation, number)
);
`,
}

// Version is the version of the schema that this program writes.
func Version() int { return len(migrations) }

// InitSQL returns the statements that make a schema and its role, for a person who may do that. They can
// be run again.
func InitSQL(schema, role string) (string, error) {
	for _, name := range []string{schema, role} {
		if name != "" && !identifier.MatchString(name) {
			return "", &fault.Invalid{Reason: fmt.Sprintf("%q is not a name that pipe uses", name),
				Remedy: "write lower-case letters, digits, _ and -, beginning with a letter"}
		}
	}
	quoted := func(name string) string { return pgx.Identifier{name}.Sanitize() }
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	if role != "" {
		line("DO $$ BEGIN CREATE ROLE %s NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;", quoted(role))
	}
	line("CREATE SCHEMA IF NOT EXISTS %s;", quoted(schema))
	line("REVOKE ALL ON SCHEMA %s FROM PUBLIC;", quoted(schema))
	line("CREATE TABLE IF NOT EXISTS %s.versions (version int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());",
		quoted(schema))
	for i, step := range migrations {
		line("DO $$ BEGIN\nIF NOT EXISTS (SELECT 1 FROM %s.versions WHERE version = %d) THEN", quoted(schema), i+1)
		line("%s", strings.ReplaceAll(step, "{schema}", quoted(schema)))
		line("INSERT INTO %s.versions (version) VALUES (%d);\nEND IF;\nEND $$;", quoted(schema), i+1)
	}
	if role != "" {
		line("GRANT USAGE ON SCHEMA %s TO %s;", quoted(schema), quoted(role))
		line("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %s;", quoted(schema), quoted(role))
		line("REVOKE INSERT, UPDATE, DELETE ON %s.versions FROM %s;", quoted(schema), quoted(role))
	}
	return b.String(), nil
}

// Init makes the schema of a pipeline, and its role unless that is "", or brings them to this program's
// version. It connects with the settings of a user who may do that. from is the version before; 0 for a
// new schema. Init changes nothing in a schema that is newer than this program.
func Init(ctx context.Context, c Config) (from int, err error) {
	s, err := connect(ctx, c, "")
	if err != nil {
		return 0, err
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(ctx, transferTime)
	defer cancel()
	if from, err = s.version(ctx); err != nil {
		return 0, err
	}
	if from > Version() {
		return from, newer(from)
	}
	script, err := InitSQL(c.Schema, c.Role)
	if err != nil {
		return from, err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// One at a time: two would both find the schema missing.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lockKey("init", c.Schema, "")); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, script, pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return from, s.failed("set up the schema", err)
	}
	return from, nil
}

// version returns the version of the schema; 0 when there is none.
func (s *Store) version(ctx context.Context) (version int, err error) {
	err = s.pool.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM "+s.versions).Scan(&version)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == noTable || pg.Code == noSchema) {
		return 0, nil
	}
	return version, s.failed("read the version of the schema", err)
}

func (s *Store) checkVersion(ctx context.Context) error {
	version, err := s.version(ctx)
	switch {
	case err != nil:
		return err
	case version == 0:
		return &fault.StateError{Err: fmt.Errorf("there is no state in %s", s),
			Remedy: "set it up with pipe-worker state init"}
	case version < Version():
		return &fault.StateError{Err: fmt.Errorf("%s has version %d, and this program needs %d", s, version, Version()),
			Remedy: "run pipe-worker state migrate"}
	case version > Version():
		return newer(version)
	}
	return nil
}

func newer(version int) error {
	return &fault.StateError{
		Err:    fmt.Errorf("the schema has version %d, and this program reads up to %d", version, Version()),
		Remedy: "use the newer version of this program",
	}
}

// Report is what Check found.
type Report struct {
	Version int // of the schema
	Places  []PlaceReport
	Bytes   int64 // that the schema takes on disk
}

// PlaceReport is what Check found of a place.
type PlaceReport struct {
	Place   string   // words instead of a name for what belongs to no row of a place
	Bytes   int64    // of all files
	Damaged []string // what is wrong, one sentence a file
}

// Check reads everything of a schema and verifies each row.
func (s *Store) Check(ctx context.Context) (*Report, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	r := &Report{}
	err := s.pool.QueryRow(ctx, "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c "+
		"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'",
		s.cfg.Schema).Scan(&r.Bytes)
	if err == nil {
		r.Version, err = s.version(ctx)
	}
	if err != nil {
		return nil, s.failed("check the state", err)
	}
	rows, err := s.pool.Query(ctx, "SELECT place FROM "+s.places+" ORDER BY place")
	if err != nil {
		return nil, s.failed("check the state", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, s.failed("check the state", err)
	}
	for _, place := range all {
		one, err := s.checkPlace(place)
		if err != nil {
			return nil, err
		}
		r.Places = append(r.Places, one)
	}
	lost, err := s.checkOrphans()
	if err != nil {
		return nil, err
	}
	if lost != nil {
		r.Places = append(r.Places, *lost)
	}
	return r, nil
}
