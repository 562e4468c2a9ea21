package pipelinetest

import (
	"context"
	"sync"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
)

// Sink is the configuration of the sink.
type Sink struct {
	Token config.Secret `yaml:"token" required:"true" doc:"What it asks for."`
	Pages int           `yaml:"page_size" default:"100" min:"1" doc:"Items in a page."`
}

// Streams are those of the sink, with a field of every type.
func Streams() []engine.Stream {
	return []engine.Stream{
		{Name: "users", Identities: true, Fields: []engine.FieldSpec{
			{Name: "id", Type: engine.RefField, Required: true, Doc: "Its ref."},
			{Name: "email", Type: engine.Text, Required: true, Doc: "Its e-mail."},
			{Name: "isActive", Type: engine.Flag, Decides: true, Doc: "Whether it is active."},
		}},
		{Name: "groups", Identities: true, Fields: []engine.FieldSpec{
			{Name: "id", Type: engine.RefField, Required: true, Doc: "Its ref."},
			{Name: "members", Type: engine.RefList, Doc: "Refs of its members."},
		}},
		{Name: "documents", Permissions: true, Fields: []engine.FieldSpec{
			{Name: "id", Type: engine.Text, Required: true, Doc: "What tells it apart."},
			{Name: "title", Type: engine.Text, Cut: engine.CutLimit{Bytes: 100}, Doc: "Its title."},
			{Name: "tags", Type: engine.TextList, Doc: "Labels."},
			{Name: "owner", Type: engine.RefField, Doc: "The user that owns it."},
			{Name: "updatedAt", Type: engine.Seconds, Doc: "When it was changed."},
			{Name: "rank", Type: engine.Number, Doc: "A number."},
			{Name: "properties", Type: engine.Properties, Doc: "Properties of the user's own."},
		}},
	}
}

func (k *Kit) sinkSpec() engine.SinkSpec {
	return engine.SinkSpec{
		Name: "store", Summary: "items in memory",
		Config:  func() any { return &Sink{} },
		Streams: func(any) []engine.Stream { return Streams() },
		Open:    func(any, engine.Settings) (engine.Sink, error) { return &store{kit: k}, nil },
		Missing: func(cfg any) []string {
			if cfg.(*Sink).Token.IsSet() {
				return nil
			}
			return []string{"token"}
		},
	}
}

// store is the sink and its session.
type store struct {
	kit *Kit
	mu  sync.Mutex
}

func (s *store) Open(context.Context, engine.Opening) (engine.Session, error) { return s, nil }
func (s *store) Close() error                                                 { return nil }

func (s *store) Encode(item *engine.Item) (engine.Encoded, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kit.Items = append(s.kit.Items, *item)
	return engine.Encoded{ID: item.Ref, Ref: item.Ref, Audience: item.Permissions.Audience, Rule: item.Permissions.Rule, Body: codec.Quote(nil, item.Ref)}, true, nil
}

func (s *store) Seal(context.Context, engine.Outlet) error { return nil }
func (s *store) Place() string                             { return "" }

func (s *store) Holds(context.Context) (engine.Holdings, error) { return engine.Holdings{}, nil }
func (s *store) Publish(context.Context, *engine.Plan) error    { return nil }
