package secret

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/secret/aws"
	"github.com/pipe-engine/pipe/engine/secret/exec"
	"github.com/pipe-engine/pipe/engine/secret/store"
	"github.com/pipe-engine/pipe/engine/secret/vault"
)

// Config is what a user writes below secrets: one block per provider.
type Config struct {
	Store *store.Config `yaml:"store" doc:"A file that is encrypted with age and may be committed; pipe secret changes it."`
	Exec  *exec.Config  `yaml:"exec" doc:"A command that prints one secret, such as that of a password manager."`
	Vault *vault.Config `yaml:"vault" doc:"A KV engine (version 2) of HashiCorp Vault or OpenBao. A key is PATH#FIELD."`
	AWS   *aws.Config   `yaml:"aws" doc:"Parameter Store and Secrets Manager of AWS, with the credentials that its tools find."`
}

// Settings is what the host gives the providers. Only vault and aws connect to anything.
type Settings struct {
	// Folder is that of the pipeline file: relative paths start from it.
	Folder    string
	UserAgent string
	// Redactor learns the credentials of the providers; nil means one of their own.
	Redactor *redact.Redactor
	Log      *slog.Logger
}

// get returns the secret of a key, and looks again at each call. Its error carries no secret.
type get func(ctx context.Context, key string) (config.SecretText, error)

// getText is the get of a provider that does not know where a secret may be sent.
func getText(text func(ctx context.Context, key string) (string, error)) get {
	return func(ctx context.Context, key string) (config.SecretText, error) {
		t, err := text(ctx, key)
		return config.SecretText{Text: t}, err
	}
}

// Resolver answers for the ${secret:NAME} of one pipeline file. It is safe for concurrent
// use.
type Resolver struct {
	providers []provider

	mu    sync.Mutex
	known map[string]config.SecretText
	down  map[string]error // the error of each provider that did not answer
}

type provider struct {
	name string
	open func() (get, error) // once
}

// longest is how long one secret may take, retries included.
const longest = 2 * time.Minute

// NewResolver returns the resolver of a secrets block.
func NewResolver(cfg *Config, s Settings) *Resolver {
	r := &Resolver{known: map[string]config.SecretText{}, down: map[string]error{}}
	add := func(name string, open func() (get, error)) {
		r.providers = append(r.providers, provider{name, sync.OnceValues(open)})
	}
	if c := cfg.Store; c != nil {
		add("store", func() (get, error) {
			one, err := c.Open(s.Folder)
			return func(_ context.Context, key string) (config.SecretText, error) { return one.Get(key) }, err
		})
	}
	if c := cfg.Exec; c != nil {
		add("exec", func() (get, error) {
			one, err := exec.New(*c, s.Folder)
			return getText(one.Get), err
		})
	}
	if c := cfg.Vault; c != nil {
		add("vault", func() (get, error) {
			one, err := vault.New(*c, connection.Settings{UserAgent: s.UserAgent, Redactor: s.Redactor, Log: s.Log})
			return getText(one.Get), err
		})
	}
	if c := cfg.AWS; c != nil {
		add("aws", func() (get, error) {
			one, err := aws.New(*c, connection.Settings{UserAgent: s.UserAgent, Redactor: s.Redactor, Log: s.Log})
			return getText(one.Get), err
		})
	}
	return r
}

// Secret returns the text of ${secret:NAME}, where NAME is a key of the file's only provider,
// or PROVIDER:KEY. A text is read once, and a provider that did not answer is not asked
// further, unless again is true. The end of ctx ends the provider's work: a command is killed, a
// request is cancelled. It is a config.Variables.Secret.
func (r *Resolver) Secret(ctx context.Context, name string, again bool) (config.SecretText, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if text, ok := r.known[name]; ok && !again {
		return text, nil
	}
	p, key, err := r.find(name)
	if err != nil {
		return config.SecretText{}, err
	}
	if err := r.down[p.name]; err != nil && !again {
		return config.SecretText{}, err
	}
	ask, err := p.open()
	if err != nil {
		return config.SecretText{}, p.failed(err)
	}
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	text, err := ask(limited, key)
	switch {
	case err != nil && ctx.Err() != nil:
		return config.SecretText{}, &config.SecretError{Message: "secrets." + p.name + ": stopped before it answered",
			Hint: "run again"}
	case err != nil && limited.Err() != nil:
		err = fault.Errorf(fault.Transient, "check that it is up and reachable", "no complete answer within %v", longest)
	}
	if err != nil {
		failed := p.failed(err)
		if failed.Transient {
			r.down[p.name] = failed
		}
		return config.SecretText{}, failed
	}
	delete(r.down, p.name)
	r.known[name] = text
	return text, nil
}

// failed names the provider of an error, and keeps its remedy.
func (p provider) failed(err error) *config.SecretError {
	class := fault.ClassOf(err)
	return &config.SecretError{Message: "secrets." + p.name + ": " + err.Error(), Hint: fault.RemedyOf(err),
		Transient: class == fault.Transient || class == fault.Throttled}
}

// Check returns the error of a name that none of the providers can have. It asks none. It is
// a config.Variables.CheckSecret.
func (r *Resolver) Check(name string) error {
	_, _, err := r.find(name)
	return err
}

// Key returns PROVIDER:KEY for each spelling of a name, and a name that no provider can have as it
// is. It is a config.Variables.SecretKey.
func (r *Resolver) Key(name string) string {
	p, key, err := r.find(name)
	if err != nil {
		return name
	}
	return p.name + ":" + key
}

func (r *Resolver) find(name string) (provider, string, error) {
	var names []string
	for _, p := range r.providers {
		if key, ok := strings.CutPrefix(name, p.name+":"); ok {
			return p, key, nil
		}
		names = append(names, p.name)
	}
	switch len(names) {
	case 0:
		return provider{}, "", &config.SecretError{Message: "the secrets block has no provider",
			Hint: "add one, such as store"}
	case 1:
		return r.providers[0], name, nil
	}
	return provider{}, "", &config.SecretError{
		Message: fmt.Sprintf("the secrets block has several providers (%s), and %q names none of them",
			strings.Join(names, ", "), name),
		Hint: "write ${secret:" + names[0] + ":" + name + "}"}
}

// Keep returns the secret of a name that a store has, for a secret that changes when it is
// used. Without read it checks the name alone and returns nil. It is a config.Variables.Keep.
func (c *Config) Keep(folder string) func(name string, read bool) (config.Kept, *config.SecretError) {
	find := NewResolver(c, Settings{Folder: folder})
	open := sync.OnceValues(func() (*store.Store, error) { return c.Store.Open(folder) })
	return func(name string, read bool) (config.Kept, *config.SecretError) {
		p, key, err := find.find(name)
		var why *config.SecretError
		switch {
		case errors.As(err, &why):
			return nil, why
		case p.name != "store":
			return nil, &config.SecretError{
				Message: fmt.Sprintf("the sign-in of a person is kept in secrets.store, and %q names secrets.%s", name, p.name),
				Hint:    "add secrets.store, and write ${secret:store:NAME}"}
		case !read:
			return nil, nil
		}
		s, err := open()
		if err != nil {
			return nil, p.failed(err)
		}
		switch has, err := s.Has(key); {
		case err != nil:
			return nil, p.failed(err)
		case !has:
			return nil, &config.SecretError{Message: fmt.Sprintf("not signed in yet: %s has no %q", s.Path(), key),
				Hint: "sign in: pipe login FILE"}
		}
		return kept{s, key}, nil
	}
}

// kept is a secret of a store.
type kept struct {
	*store.Store
	key string
}

// Exchange calls use with the secret and stores what it returns.
func (k kept) Exchange(ctx context.Context, use func(config.SecretText) (string, error)) error {
	return k.Store.Exchange(ctx, k.key, use)
}

// Stored returns the store that has the secret of ${secret:NAME}, and its key there. It is an
// error if another provider has it, which pipe does not write to.
func (c *Config) Stored(name, folder string) (*store.Store, string, error) {
	p, key, err := NewResolver(c, Settings{Folder: folder}).find(name)
	if err != nil {
		return nil, "", err
	}
	if p.name != "store" {
		return nil, "", fault.Errorf(fault.Fatal, "replace it there, or keep it in secrets.store",
			"the secret %q comes from secrets.%s, which pipe does not change", name, p.name)
	}
	s, err := c.Store.Open(folder)
	return s, key, err
}

// OfProvider is the config.Variables.Secret for the secrets block itself, whose settings cannot come
// from a provider.
func OfProvider(_ context.Context, name string, _ bool) (config.SecretText, error) {
	return config.SecretText{}, CheckOfProvider(name)
}

// CheckOfProvider is the config.Variables.CheckSecret for the secrets block itself.
func CheckOfProvider(string) error { return errOfProvider }

var errOfProvider = &config.SecretError{Message: "the settings of a provider cannot come from a provider",
	Hint: "use a variable, ${NAME}, or a file, ${file:PATH}"}

// KeepOfProvider is the config.Variables.Keep for the secrets block itself.
func KeepOfProvider(string, bool) (config.Kept, *config.SecretError) { return nil, errOfProvider }

// KeepAny is the config.Variables.Keep of a file whose secrets block is wrong: it reads nothing
// and accepts every name.
func KeepAny(string, bool) (config.Kept, *config.SecretError) { return nil, nil }
