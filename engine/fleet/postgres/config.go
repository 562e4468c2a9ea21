package postgres

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Config is the block of a store in a file.
type Config struct {
	URL         config.Secret   `yaml:"url" doc:"The database: postgres://user@host/database, with sslmode=verify-full and other settings of libpq after a question mark. Without it the PG… variables say it (PGHOST, PGDATABASE, PGUSER, …)."`
	Password    config.Secret   `yaml:"password" doc:"The password of the user, if url has none."`
	Schema      string          `yaml:"schema" default:"pipe_{pipeline}" doc:"The schema. {pipeline} is replaced with the name of the pipeline."`
	Role        string          `yaml:"role" doc:"A role to take after connecting, such as pipe_{pipeline}: the user is a member of it. A role of its own keeps each pipeline from the state of the others."`
	Key         config.Secret   `yaml:"key" required:"true" doc:"The key of the evidence in each row, at least 32 characters. The database must not have it. State that was written with another key is damaged."`
	Lease       config.Duration `yaml:"lease" default:"30s" min:"2s" max:"10m" doc:"How long a worker that no longer answers keeps a datasource."`
	Request     config.Duration `yaml:"request_timeout" default:"2m" min:"10s" max:"1h" doc:"How long a request of a worker that was lost may take: at least the timeout of the sink, or runs are refused. The next run of the datasource sends nothing before."`
	Connections int             `yaml:"connections" default:"4" min:"2" max:"64" doc:"How many connections a pipeline may have at once, in addition to one for its hold."`
}

var _ config.Validator = (*Config)(nil)

const codeState = "state"

// minKey is the least length of a key.
const minKey = 32

// Validate reports a short key, and names that PostgreSQL does not take.
func (c *Config) Validate(report func(field, code, message, hint string)) {
	if c.Key.IsSet() && len(c.Key.Reveal()) < minKey {
		report("key", codeState, fmt.Sprintf("the key is shorter than %d characters", minKey),
			"make one with: openssl rand -base64 32")
	}
	for field, name := range map[string]string{"schema": c.Schema, "role": c.Role} {
		if name != "" && !identifier.MatchString(strings.ReplaceAll(name, pipelineMark, "p")) {
			report(field, codeState, "not a name that pipe uses",
				"write lower-case letters, digits, _ and -, beginning with a letter")
		}
	}
}

// identifier is the form of the names of schemas and roles.
var identifier = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// pipelineMark is replaced with the name of a pipeline.
const pipelineMark = "{pipeline}"

// For returns the settings for a pipeline: its schema and its role.
func (c Config) For(pipeline string) Config {
	name := nameOf(pipeline)
	c.Schema = strings.ReplaceAll(cmp.Or(c.Schema, "pipe_"+pipelineMark), pipelineMark, name)
	c.Role = strings.ReplaceAll(c.Role, pipelineMark, name)
	return c
}

// maxName is the longest part of a name that a pipeline gives; PostgreSQL cuts names at 63 bytes.
const maxName = 40

// nameOf returns the name of a pipeline in a form for schemas. Two pipelines never have the same.
func nameOf(pipeline string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, pipeline)
	if name == pipeline && len(name) <= maxName {
		return name
	}
	sum := sha256.Sum256([]byte(pipeline))
	return name[:min(len(name), maxName)] + "-" + hex.EncodeToString(sum[:4])
}

// FromCommandLine returns the settings of a store that a command line names, as postgres://host/database.
// It returns a *fault.Invalid when that has a password: every process of the machine can read it.
func FromCommandLine(name string, from Config) (Config, error) {
	u, err := url.Parse(name)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return from, &fault.Invalid{Reason: "the state is not an address of PostgreSQL",
			Remedy: "write it as postgres://user@host/database"}
	}
	_, password := u.User.Password()
	if password || u.Query().Has("password") || u.Query().Has("sslpassword") {
		return from, &fault.Invalid{Reason: "the address of the state on the command line has a password",
			Remedy: "leave it out, and set PGPASSWORD, PGPASSFILE or password: ${secret:…} in the file"}
	}
	from.URL = config.NewSecret(name)
	return from, nil
}

// connect returns how to connect.
func (c Config) connect() (*pgxpool.Config, error) {
	p, err := pgxpool.ParseConfig(c.URL.Reveal())
	if err != nil {
		// The text of err may have parts of the address.
		return nil, &fault.Invalid{Reason: "the address of the state in PostgreSQL cannot be used",
			Remedy: "write url as postgres://user@host/database?sslmode=verify-full; check PGSSLROOTCERT and the " +
				"other PG… variables"}
	}
	if c.Password.IsSet() {
		p.ConnConfig.Password = c.Password.Reveal()
	}
	if p.ConnConfig.ConnectTimeout == 0 {
		p.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	if p.ConnConfig.RuntimeParams["application_name"] == "" {
		p.ConnConfig.RuntimeParams["application_name"] = "pipe"
	}
	p.MaxConns = int32(max(2, c.Connections))
	p.MaxConnIdleTime = time.Minute
	return p, nil
}

func (c Config) lease() time.Duration {
	return cmp.Or(time.Duration(c.Lease), 30*time.Second)
}
