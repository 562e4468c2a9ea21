package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/fault"
)

const (
	// limit is how long a command may take.
	limit = 10 * time.Second
	// lingering is how long its output may stay open after it ended.
	lingering = time.Second
	// maxOutput is how much a command may print.
	maxOutput = 64 << 10
)

// Provider runs the command of a Config. It is safe for concurrent use.
type Provider struct {
	command []string
	folder  string
	limit   time.Duration
}

// New returns the provider of a config; folder is that of the pipeline file, where the
// command is started and a relative path of its program begins. It starts nothing.
func New(c Config, folder string) (*Provider, error) {
	var problem error
	c.Validate(func(field, _, message, hint string) {
		problem = fault.Errorf(fault.Fatal, hint, "%s: %s", field, message)
	})
	switch {
	case problem != nil:
		return nil, problem
	case len(c.Command) == 0:
		return nil, errors.New("command: the command is empty")
	}
	return &Provider{slices.Clone(c.Command), folder, limit}, nil
}

// Get runs the command for the secret of a name. One line break at the end of its output is
// removed. Its errors carry no output of the command.
func (p *Provider) Get(ctx context.Context, name string) (string, error) {
	if name == "" || strings.HasPrefix(name, "-") || strings.ContainsRune(name, 0) {
		return "", fault.Errorf(fault.Fatal, "begin the name with a letter or a digit",
			"a command cannot be given %q as the name of a secret", name)
	}
	limited, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	cmd := exec.CommandContext(limited, p.program(), p.arguments(name)...)
	out := &output{full: cancel}
	cmd.Dir, cmd.Stdout, cmd.WaitDelay = p.folder, out, lingering
	group(cmd)
	err := cmd.Run()
	end(cmd)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case out.exceeded:
		return "", p.fault("print only the secret", "printed more than 64 KiB for the secret %q", name)
	case limited.Err() != nil:
		return "", p.fault(p.byHand(name)+"; it may be waiting for input, which it does not get",
			"did not end within %v for the secret %q", p.limit, name)
	case err != nil:
		return "", p.failure(err, name)
	}
	return p.text(out.text.Bytes(), name)
}

// program is what is started. The system looks a bare name up in PATH.
func (p *Provider) program() string {
	program := p.command[0]
	if filepath.Base(program) == program || filepath.IsAbs(program) {
		return program
	}
	folder, err := filepath.Abs(p.folder)
	if err != nil {
		return program
	}
	return filepath.Join(folder, program)
}

func (p *Provider) arguments(name string) []string {
	var out []string
	named := false
	for _, a := range p.command[1:] {
		named = named || strings.Contains(a, placeholder)
		out = append(out, strings.ReplaceAll(a, placeholder, name))
	}
	if !named {
		out = append(out, name)
	}
	return out
}

// text is the secret in an output.
func (p *Provider) text(out []byte, name string) (string, error) {
	text := strings.TrimSuffix(strings.TrimSuffix(string(out), "\n"), "\r")
	switch {
	case strings.TrimSpace(text) == "":
		return "", p.fault(p.byHand(name), "printed nothing for the secret %q", name)
	case !utf8.ValidString(text):
		return "", p.fault("encode the secret as text", "printed bytes that are not UTF-8 text for the secret %q", name)
	}
	return text, nil
}

// failure is why the command did not end with 0.
func (p *Provider) failure(err error, name string) error {
	var ended *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return p.fault("install it, or write its path", "was not found")
	case errors.Is(err, exec.ErrDot):
		return p.fault("write its path, as ./"+filepath.Base(p.command[0]), "is in the current folder, not in PATH")
	case errors.Is(err, fs.ErrPermission):
		return p.fault("make it executable for this user", "may not be executed")
	case errors.Is(err, exec.ErrWaitDelay):
		return p.fault("end what it started before it ends", "left a process behind that holds its output for the secret %q",
			name)
	case errors.As(err, &ended) && ended.ExitCode() >= 0:
		return p.fault(p.byHand(name), "ended with %d for the secret %q", ended.ExitCode(), name)
	case errors.As(err, &ended):
		return p.fault(p.byHand(name), "was ended by a signal for the secret %q", name)
	}
	return p.fault("", "could not be started: %w", err)
}

// byHand is the remedy of a command whose message was not shown.
func (p *Provider) byHand(name string) string {
	return fmt.Sprintf("run it by hand for %q to see its message, which pipe does not show", name)
}

func (p *Provider) fault(remedy, format string, args ...any) error {
	return fault.Errorf(fault.Fatal, remedy, "the command %s "+format,
		append([]any{filepath.Base(p.command[0])}, args...)...)
}

// output keeps what a command prints, and ends the command when that is too much.
type output struct {
	text     bytes.Buffer // not embedded: its ReadFrom would pass Write over
	full     func()
	exceeded bool
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	if o.text.Len()+len(b) > maxOutput {
		o.exceeded = true
		o.full()
		return 0, errors.New("too much output")
	}
	return o.text.Write(b)
}
