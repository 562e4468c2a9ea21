package host

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/plugins/host/output"
	"github.com/pipe-engine/pipe/plugins/proto"
)

// ReattachVariable holds a JSON object: for a plugin's name, how to reach the process that
// was started under a debugger. A plugin replaces a transform with the same name, or one
// whose command has a file of that name without its extension.
const ReattachVariable = "PIPE_REATTACH_PLUGINS"

type attachment struct {
	Network string `json:"network"`
	Address string `json:"address"`
	Pid     int    `json:"pid"`
	Version int    `json:"version"`

	name string
	bad  error
}

// reattach is the process that is to be used instead of a new one.
func (t *Transform) reattach() (a attachment, ok bool) {
	text, set := t.o.Lookup(ReattachVariable)
	if !set || strings.TrimSpace(text) == "" {
		return a, false
	}
	var all map[string]attachment
	if err := codec.Unmarshal([]byte(text), &all); err != nil {
		return attachment{bad: err}, true
	}
	names := []string{t.o.Name}
	for _, arg := range t.o.Command {
		base := filepath.Base(arg)
		names = append(names, strings.TrimSuffix(base, filepath.Ext(base)))
	}
	for _, name := range names {
		if a, ok = all[name]; ok {
			a.name = name
			return a, true
		}
	}
	return a, false
}

// Attached reports whether a process of PIPE_REATTACH_PLUGINS is used instead of a new one.
func (t *Transform) Attached() bool {
	_, ok := t.reattach()
	return ok
}

// attach connects to a process that pipe did not start.
func attach(ctx context.Context, a attachment, out *output.Log) (*process, error) {
	const remedy = "start the plugin with --debug and export the line that it prints"
	if a.bad != nil {
		return nil, fault.Errorf(fault.Fatal, remedy, "%s is not what a plugin prints: %v", ReattachVariable, a.bad)
	}
	if a.Version != proto.Version {
		return nil, fault.Errorf(fault.Fatal, "",
			"%s: %s speaks version %d of the plugin protocol, but this pipe speaks version %d", ReattachVariable,
			a.name, a.Version, proto.Version)
	}
	var addr net.Addr = &net.UnixAddr{Net: "unix", Name: a.Address}
	if a.Network != "unix" {
		return nil, fault.Errorf(fault.Fatal, remedy, "%s: %s is reached over %q, but pipe requires unix",
			ReattachVariable, a.name, a.Network)
	}
	detached := make(chan struct{})
	cfg := clientConfig()
	cfg.SyncStdout, cfg.SyncStderr = out.Writer(), out.Writer()
	cfg.Reattach = &plugin.ReattachConfig{
		Protocol: plugin.ProtocolGRPC, ProtocolVersion: proto.Version, Addr: addr, Pid: a.Pid,
		Test:         true, // it is not ended
		ReattachFunc: func() (runner.AttachedRunner, error) { return foreign{detached}, nil },
	}
	p := &process{out: out, client: plugin.NewClient(cfg), detached: detached}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := p.connect(ctx); err != nil {
		p.kill()
		return nil, fault.Errorf(fault.Fatal, "check that it still runs. "+remedy, "%s: %s at %s does not answer: %v",
			ReattachVariable, a.name, a.Address, err)
	}
	return p, nil
}

// foreign is a process that is never ended: for go-plugin it lives until it is released.
type foreign struct{ detached chan struct{} }

var _ runner.AttachedRunner = foreign{}

// Wait waits until the process is released.
func (f foreign) Wait(context.Context) error { <-f.detached; return nil }

// Kill refuses.
func (foreign) Kill(context.Context) error { return errors.New("it was not started by pipe") }

// ID is not needed.
func (foreign) ID() string { return "" }

// PluginToHost leaves addresses as they are.
func (foreign) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin leaves addresses as they are.
func (foreign) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
