package pipelinetest

import (
	"context"
	"sync"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
)

// Sink is the configuration of the sink.
type Sink struct {
	Token config.Secret `yaml:"token" required:"true" doc:"What it asks for."`
	Pages int           `yaml:"page_size" default:"100" min:"1" doc:"Items in a page."`
}

// Streams returns the streams of the sink, with a field of every type.
func Streams() []component.Stream {
	return []component.Stream{
		{Name: "users", Identities: true, Fields: []component.FieldSpec{
			{Name: "id", Type: component.RefField, Required: true, Doc: "Its ref."},
			{Name: "email", Type: component.Text, Required: true, Doc: "Its e-mail."},
			{Name: "isActive", Type: component.Flag, Decides: true, Doc: "Whether it is active."},
		}},
		{Name: "groups", Identities: true, Groups: true, Fields: []component.FieldSpec{
			{Name: "id", Type: component.RefField, Required: true, Doc: "Its ref."},
			{Name: "members", Type: component.RefList, Doc: "Refs of its members."},
		}},
		{Name: "documents", Permissions: true, Fields: []component.FieldSpec{
			{Name: "id", Type: component.Text, Required: true, Doc: "What identifies it."},
			{Name: "title", Type: component.Text, Cut: component.CutLimit{Bytes: 100}, Doc: "Its title."},
			{Name: "tags", Type: component.TextList, Doc: "Labels."},
			{Name: "owner", Type: component.RefField, Doc: "The user that owns it."},
			{Name: "updatedAt", Type: component.Seconds, Doc: "When it was changed."},
			{Name: "rank", Type: component.Number, Doc: "A number."},
			{Name: "properties", Type: component.Properties, Doc: "Properties of the user's own."},
		}},
	}
}

func (k *Kit) sinkSpec() component.SinkSpec[any] {
	return component.SinkSpec[*Sink]{
		Name: "store", Summary: "items in memory",
		Config:  func() *Sink { return &Sink{} },
		Streams: func(*Sink) []component.Stream { return Streams() },
		Open:    func(*Sink, component.Settings) (component.Sink, error) { return &store{kit: k}, nil },
		Missing: func(cfg *Sink) []string {
			if cfg.Token.IsSet() {
				return nil
			}
			return []string{"token"}
		},
	}.Any()
}

// store is both the sink and its session.
type store struct {
	kit *Kit
	mu  sync.Mutex
}

func (s *store) Open(context.Context, component.Opening) (component.Session, error) { return s, nil }
func (s *store) Close() error                                                       { return nil }

func (s *store) Encode(item *component.Item) (component.Encoded, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kit.Items = append(s.kit.Items, *item)
	return component.Encoded{ID: item.Ref, Ref: item.Ref, Audience: item.Permissions.Audience, Rule: item.Permissions.Rule,
		Body: codec.Quote(nil, item.Ref)}, true, nil
}

func (s *store) Seal(context.Context, component.Outlet) error { return nil }
func (s *store) Place() string                                { return "" }
func (s *store) RefID(ref string) string                      { return ref }

func (s *store) Holds(context.Context) (component.Holdings, error) { return component.Holdings{}, nil }
func (s *store) Publish(context.Context, *component.Plan) error    { return nil }
