package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"runtime/debug"
	"sync"

	"github.com/pipe-engine/pipe/plugins/proto"
)

// server answers pipe's calls for one plugin.
type server struct {
	proto.UnimplementedTransformServer
	plugin   Plugin
	schema   []byte
	defaults []byte
	ready    func() // called once, when the first call arrives
	log      *slog.Logger
	once     sync.Once

	mu         sync.RWMutex // held for writing while the plugin is configured
	configured bool
}

func newServer(p Plugin, log io.Writer, ready func()) (*server, error) {
	if err := p.validate(); err != nil {
		return nil, fmt.Errorf("this plugin cannot be served:\n%w", err)
	}
	s := &server{plugin: p, ready: ready, log: newLogger(log)}
	if p.Config == nil {
		return s, nil
	}
	var err error
	if s.schema, err = schemaOf(p.Config); err == nil {
		s.defaults, err = json.Marshal(p.Config)
	}
	return s, err
}

func (s *server) Describe(context.Context, *proto.DescribeRequest) (*proto.DescribeResponse, error) {
	s.once.Do(s.ready)
	p := s.plugin
	example, err := p.Example.encode()
	return &proto.DescribeResponse{
		Name: p.Name, Version: p.Version, Summary: p.Summary,
		ConfigSchema: s.schema, Needs: p.Needs, Writes: p.Writes, Example: example,
	}, err
}

func (e Example) encode() ([]byte, error) {
	parts := map[string]json.RawMessage{}
	for name, v := range map[string]any{"config": e.Config, "record": e.Record} {
		raw, err := object(v)
		if err != nil {
			return nil, err
		}
		if raw != nil {
			parts[name] = raw
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	return json.Marshal(parts)
}

func (s *server) Configure(ctx context.Context, req *proto.ConfigureRequest) (*proto.ConfigureResponse, error) {
	s.once.Do(s.ready)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.configured = false
	if field, err := s.fill(req.GetConfig()); err != nil {
		return &proto.ConfigureResponse{Error: err.Error(), Field: field}, nil
	}
	if s.plugin.Start != nil {
		if err := recovered(func() error { return s.plugin.Start(withLogger(ctx, s.log, nil)) }); err != nil {
			return &proto.ConfigureResponse{Error: err.Error()}, nil
		}
	}
	s.configured = true
	return &proto.ConfigureResponse{}, nil
}

// fill decodes the defaults and then the user's config, and returns the wrong field if it is
// known.
func (s *server) fill(config []byte) (field string, err error) {
	if len(bytes.TrimSpace(config)) == 0 {
		config = []byte("{}")
	}
	if s.plugin.Config == nil {
		var given map[string]any
		if err := json.Unmarshal(config, &given); err != nil {
			return "", err
		}
		for name := range given {
			return name, errors.New("the plugin takes no config")
		}
		return "", nil
	}
	reflect.ValueOf(s.plugin.Config).Elem().SetZero()
	if err := json.Unmarshal(s.defaults, s.plugin.Config); err != nil {
		return "", fmt.Errorf("the plugin's own defaults do not decode: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(config))
	d.DisallowUnknownFields()
	err = d.Decode(s.plugin.Config)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return wrong.Field, fmt.Errorf("%s where %s is expected", wrong.Value, wrong.Type)
	}
	return "", err
}

func (s *server) Transform(ctx context.Context, req *proto.TransformRequest) (*proto.TransformResponse, error) {
	s.once.Do(s.ready)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.configured {
		return nil, errors.New("Transform was called before a config was accepted")
	}
	out := &proto.TransformResponse{Outcomes: make([]*proto.Outcome, len(req.GetRecords()))}
	for i, raw := range req.GetRecords() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out.Outcomes[i] = s.one(ctx, raw)
	}
	return out, nil
}

func (s *server) one(ctx context.Context, raw []byte) *proto.Outcome {
	r := &Record{raw: raw, writes: s.plugin.Writes}
	err := recovered(func() error { return s.plugin.Transform(withLogger(ctx, s.log, r), r) })
	var drop dropped
	if errors.As(err, &drop) {
		return &proto.Outcome{Dropped: string(drop)}
	}
	if err == nil {
		err = r.err
	}
	if err == nil {
		var changes []byte
		if changes, err = r.changes(); err == nil {
			return &proto.Outcome{Changes: changes, Changed: r.changed}
		}
	}
	text := err.Error()
	if text == "" {
		text = fmt.Sprintf("an error without a text (%T)", err)
	}
	return &proto.Outcome{Error: text}
}

// recovered runs f and makes a panic an error with its stack.
func recovered(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
