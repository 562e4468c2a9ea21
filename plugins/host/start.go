package host

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/plugins/host/settings"
	"github.com/pipe-engine/pipe/plugins/proto"
)

// Start starts the plugin, checks that its configuration and its writes are allowed, and
// configures it. An error about the file is a config.Problems.
func (t *Transform) Start(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.starts++
	p, problems, err := t.prepare(ctx)
	for _, w := range problems {
		if w.Warning {
			t.o.Log.Warn(w.Message, "at", w.Pos.String())
		}
	}
	if err == nil && problems.HasErrors() {
		p.stop()
		err = problems.Errors()
	}
	if err != nil {
		return err
	}
	t.current = p
	return nil
}

// Probe starts the plugin, checks everything, and ends it.
func (t *Transform) Probe(ctx context.Context) config.Problems {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, problems, err := t.prepare(ctx)
	if err != nil {
		message, more, _ := strings.Cut(err.Error(), "\n")
		hint := strings.TrimSpace(fault.RemedyOf(err) + "\n" + more)
		n := t.o.Node.Get("command")
		if n == nil {
			n = t.o.Node
		}
		return append(problems,
			config.Problem{Pos: n.Pos(), Width: len([]rune(n.Text())), Code: "plugin", Message: message, Hint: hint})
	}
	p.stop()
	return problems
}

// Describe starts the plugin, requests its description of itself, and ends it.
func (t *Transform) Describe(ctx context.Context) (*Description, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, err := t.open(ctx)
	if err != nil {
		return nil, t.named(err)
	}
	defer p.stop()
	about, err := p.describe(ctx)
	if err != nil {
		return nil, t.named(t.wire(p, err))
	}
	return about, nil
}

// prepare starts a process and makes it ready for records. After an error no process runs;
// problems leave the process running.
func (t *Transform) prepare(ctx context.Context) (p *process, problems config.Problems, err error) {
	if p, err = t.open(ctx); err != nil {
		return nil, nil, t.named(err)
	}
	fail := func(err error) (*process, config.Problems, error) {
		err = t.named(t.wire(p, err))
		p.kill()
		return nil, problems, err
	}
	about, err := p.describe(ctx)
	if err != nil {
		return fail(err)
	}
	t.about, t.label, t.needs = about, about.Name, newNeeds(about.Needs)
	t.out.Rename(t.o.Log.With("plugin", t.label))
	problems = t.checkAccess(about)
	s := settings.Read(about.Name, about.Schema, t.o.Node, t.o.Config)
	t.secrets.Add(s.Secrets...)
	if problems = append(problems, s.Problems...); problems.HasErrors() || s.Unknown {
		return p, problems, nil
	}
	if t.config, err = codec.Marshal(s.Object); err != nil {
		return fail(err)
	}
	err = t.configure(ctx, p)
	var refused *refusedConfig
	if errors.As(err, &refused) {
		s.Refuse(refused.field, refused.reason)
		return p, append(problems, s.Problems[len(s.Problems)-1]), nil
	}
	if err != nil {
		return fail(err)
	}
	return p, problems, nil
}

// checkAccess refuses a plugin that writes what permissions read (invariant 2).
func (t *Transform) checkAccess(about *Description) config.Problems {
	both := overlap(about.Writes, t.o.AccessReads())
	if len(both) == 0 || t.o.MayChangeAccess {
		return nil
	}
	message := fmt.Sprintf("%s writes %s, and permissions read %s: it could decide who finds a document",
		about.Name, strings.Join(about.Writes, ", "), strings.Join(both, ", "))
	return config.Problems{settings.AtKey(t.o.Node, "plugin-access", message,
		"add may_change_access: true to allow it, or change the permissions to read something else")}
}

// refusedConfig is a plugin's own objection to its configuration.
type refusedConfig struct{ reason, field string }

func (r *refusedConfig) Error() string {
	if r.field == "" {
		return "it refuses its config: " + r.reason
	}
	return "it refuses its config: " + r.field + ": " + r.reason
}

func (t *Transform) configure(ctx context.Context, p *process) error {
	limit, cancel := context.WithTimeout(ctx, t.o.Timeout)
	defer cancel()
	r, err := p.wire.Configure(limit, &proto.ConfigureRequest{Config: t.config})
	if err != nil {
		return t.wire(p, err)
	}
	if r.GetError() != "" {
		return &refusedConfig{t.words(r.GetError(), longestError), t.words(r.GetField(), longestReason)}
	}
	return nil
}

// wire puts the error of a call into words; others stay as they are.
func (t *Transform) wire(p *process, err error) error {
	if isStatus(err) {
		return t.judge(p, err, startLimit)
	}
	return err
}

// named adds the plugin's name to an error.
func (t *Transform) named(err error) error {
	return fault.Errorf(fault.ClassOf(err), fault.RemedyOf(err), "plugin %s: %w", t.label, err)
}
