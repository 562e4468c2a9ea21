// Apidigest is a transform plugin for pipe that condenses the API definitions of the catalog
// to searchable text: the title, the operations with their summaries, the types. It knows
// OpenAPI 2 and 3, AsyncAPI 2 and 3, GraphQL and protobuf. Other definitions, and those that
// do not parse or are empty, stay unchanged.
package main

import (
	"context"

	"github.com/pipe-engine/pipe/plugins/sdk"
)

type config struct {
	MaxLines int `json:"max_lines" doc:"the most lines of one digest" schema:"minimum=10"`
	MaxBytes int `json:"max_bytes" doc:"larger definitions stay as they are" schema:"minimum=1"`
}

func main() { sdk.Serve(apidigest()) }

func apidigest() sdk.Plugin {
	cfg := config{MaxLines: 200, MaxBytes: 4 << 20}
	return sdk.Plugin{
		Name:    "apidigest",
		Version: "1.0.0",
		Summary: "condenses OpenAPI, AsyncAPI, GraphQL and protobuf definitions to readable text",
		Config:  &cfg,
		Needs:   []string{"spec.type", "spec.definition"},
		Writes:  []string{"spec.definition"},
		Example: sdk.Example{
			Config: config{MaxLines: 50, MaxBytes: 1 << 20},
			Record: `{"kind": "API", "ref": "api:default/parcels", "spec": {"type": "graphql", "definition": "type Query { \"finds a parcel\" parcel(id: ID!): Parcel } type Parcel { id: ID! }"}}`,
		},
		Transform: func(ctx context.Context, r *sdk.Record) error {
			definition := r.Text("spec.definition")
			if definition == "" {
				return nil
			}
			if len(definition) > cfg.MaxBytes {
				sdk.Logger(ctx).Warn("the definition is left as it is: it is larger than max_bytes", "bytes", len(definition))
				return nil
			}
			text, err := digest(r.Text("spec.type"), definition)
			if err != nil {
				sdk.Logger(ctx).Warn("the definition is left as it is: it does not parse", "error", err.Error())
				return nil
			}
			if condensed := text.cut(cfg.MaxLines); condensed != "" {
				r.Set("spec.definition", condensed)
			}
			return nil
		},
	}
}
