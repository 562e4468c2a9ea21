package encode_test

import (
	"context"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
)

// BenchmarkEncode makes one document of 1.4 KB.
func BenchmarkEncode(b *testing.B) {
	cfg := gleantest.Settings()
	k, err := glean.Open(cfg, component.Settings{}, glean.Options{})
	if err != nil {
		b.Fatal(err)
	}
	opened, err := k.Open(context.Background(), component.Opening{Written: func(string) bool { return true }})
	if err != nil {
		b.Fatal(err)
	}
	s := opened.(gleantest.Session)
	f := &gleantest.Fixture{}
	f.Reset()
	for _, one := range []*component.Item{gleantest.User("ann"), gleantest.Group("a")} {
		if _, _, err := s.Encode(one); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Seal(context.Background(), f); err != nil {
		b.Fatal(err)
	}
	d := gleantest.Doc("a", "group:default/a")
	d.Fields = append(d.Fields, component.Field{Name: "summary", Value: strings.Repeat("word ", 20)},
		component.Field{Name: "owner", Value: "user:default/ann"},
		component.Field{Name: "tags", Value: []string{"go", "grpc"}},
		component.Field{Name: "customProperties", Value: []component.Field{{Name: "type", Value: "service"},
			{Name: "stars", Value: int64(5)}, {Name: "langs", Value: []string{"go"}}}})
	d.Fields[4].Value = strings.Repeat("What it does, line by line.\n", 30)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Encode(d); err != nil {
			b.Fatal(err)
		}
	}
}
