package secret

import (
	"fmt"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/secret/store"
)

// Config is what a user writes below secrets: one block per provider.
type Config struct {
	Store *store.Config `yaml:"store" doc:"A file that is encrypted with age and may be committed; pipe secret changes it."`
}

// Provider has secrets by key. Get may be called from several goroutines, and each call
// looks again. An error that is a *config.SecretError is shown as it is; none may carry
// a secret.
type Provider interface {
	Get(key string) (config.SecretText, error)
}

// Resolver answers for the ${secret:NAME} of one pipeline file. It is safe for concurrent
// use.
type Resolver struct {
	providers []named

	mu    sync.Mutex
	known map[string]config.SecretText
}

type named struct {
	name string
	open func() (Provider, error)
}

// NewResolver returns the resolver of a secrets block. folder is that of the pipeline file.
func NewResolver(cfg *Config, folder string) *Resolver {
	r := &Resolver{known: map[string]config.SecretText{}}
	add := func(name string, open func() (Provider, error)) {
		r.providers = append(r.providers, named{name, sync.OnceValues(open)})
	}
	if c := cfg.Store; c != nil {
		add("store", func() (Provider, error) { return c.Open(folder) })
	}
	return r
}

// Secret returns the text of ${secret:NAME}, where NAME is a key of the file's only provider,
// or PROVIDER:KEY. A text is read once, unless again is true. It is a
// config.Variables.Secret.
func (r *Resolver) Secret(name string, again bool) (config.SecretText, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if text, ok := r.known[name]; ok && !again {
		return text, nil
	}
	p, key, err := r.find(name)
	if err != nil {
		return config.SecretText{}, err
	}
	provider, err := p.open()
	if err != nil {
		return config.SecretText{}, &config.SecretError{Message: "secrets." + p.name + ": " + err.Error(),
			Hint: fault.RemedyOf(err)}
	}
	text, err := provider.Get(key)
	if err != nil {
		return config.SecretText{}, err
	}
	r.known[name] = text
	return text, nil
}

func (r *Resolver) find(name string) (named, string, error) {
	var names []string
	for _, p := range r.providers {
		if key, ok := strings.CutPrefix(name, p.name+":"); ok {
			return p, key, nil
		}
		names = append(names, p.name)
	}
	switch len(names) {
	case 0:
		return named{}, "", &config.SecretError{Message: "the secrets block has no provider",
			Hint: "add one, such as store"}
	case 1:
		return r.providers[0], name, nil
	}
	return named{}, "", &config.SecretError{
		Message: fmt.Sprintf("the secrets block has several providers (%s), and %q names none of them",
			strings.Join(names, ", "), name),
		Hint: "write ${secret:" + names[0] + ":" + name + "}"}
}

// OfProvider is the config.Variables.Secret for the secrets block itself, whose settings cannot come
// from a provider.
func OfProvider(string, bool) (config.SecretText, error) {
	return config.SecretText{}, &config.SecretError{Message: "the settings of a provider cannot come from a provider",
		Hint: "use a variable, ${NAME}, or a file, ${file:PATH}"}
}
