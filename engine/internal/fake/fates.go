package fake

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
)

// Fates is a transform, a mapper and a decider that follow the fate of a record.
type Fates struct {
	Display map[string]string // ref → result of the look-up when it was mapped
	About   string            // the ref that every mapping looks up
	Present func(w *component.Worker, ref string) (bool, error)
	mu      sync.Mutex
}

func (f *Fates) Name() string { return "fates" }

func (f *Fates) Apply(_ context.Context, w *component.Worker, records []*component.Record) ([]component.Outcome,
	error) {
	out := make([]component.Outcome, len(records))
	for i, r := range records {
		w.Begin(r)
		if ref, ok := strings.CutPrefix(r.Value["fate"].(string), "filtered by "); ok {
			_, out[i].Err = f.Present(w, ref)
		}
		switch r.Value["fate"] {
		case "dropped":
			out[i].Dropped = "unwanted"
		case "broken":
			out[i].Err = fmt.Errorf("cannot be transformed")
		case "transform fails":
			return nil, fmt.Errorf("the transform gave up")
		}
	}
	return out, nil
}

func (f *Fates) Map(w *component.Worker, r *component.Record, pass component.Pass) (component.Mapped, error) {
	fate := r.Value["fate"].(string)
	switch fate {
	case "unmapped":
		return component.Mapped{Omitted: "no mapping"}, nil
	case "mapping error":
		return component.Mapped{}, fmt.Errorf("cannot be mapped")
	case "panic":
		panic("a defect")
	}
	item := component.Item{Ref: r.Ref, Kind: r.Kind, Fields: []component.Field{{Name: "fate", Value: fate}}}
	if pass == component.IdentityStreams {
		if r.Kind != "user" {
			return component.Mapped{Later: true}, nil
		}
		item.Stream = "users"
		return component.Mapped{Items: []component.Item{item}}, nil
	}
	e, _ := w.Run.Lookup(f.About)
	f.mu.Lock()
	f.Display[r.Ref] = e.Title
	f.mu.Unlock()
	item.Stream = "documents"
	return component.Mapped{Items: []component.Item{item}}, nil
}

func (f *Fates) Decide(w *component.Worker, r *component.Record) (access.Permissions, error) {
	if ref, ok := strings.CutPrefix(r.Value["fate"].(string), "ruled by "); ok {
		if _, err := f.Present(w, ref); err != nil {
			return access.Permissions{}, err
		}
	}
	if principal, ok := strings.CutPrefix(r.Value["fate"].(string), "named "); ok {
		return access.Permissions{Audience: access.Listed, Rule: "owners", Principals: []string{principal}}, nil
	}
	switch r.Value["fate"] {
	case "undecided":
		return access.Permissions{}, nil
	case "rule error":
		return access.Permissions{}, fmt.Errorf("the rule cannot be decided")
	case "private":
		return access.Permissions{Audience: access.Nobody, Rule: "private"}, nil
	case "of nobody":
		return access.Permissions{Audience: access.Listed, Rule: "owners"}, nil
	case "of sam":
		return access.Permissions{Audience: access.Listed, Rule: "owners", Principals: []string{"user:default/sam"}}, nil
	case "of sam and ann":
		return access.Permissions{Audience: access.Listed, Rule: "owners",
			Principals: []string{"user:default/sam", "user:default/ann"}}, nil
	case "of strangers":
		return access.Permissions{Audience: access.Listed, Rule: "owners", Principals: []string{"user:default/stranger"}}, nil
	}
	return access.Permissions{Audience: access.AllUsers, Rule: "default"}, nil
}
