package cli

import (
	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/component"
)

type planField struct {
	Path   []string `json:"path"`
	Action string   `json:"action,omitempty"`
	Before string   `json:"before,omitempty"`
	After  string   `json:"after,omitempty"`
}

type provisionJSON struct {
	Datasource string      `json:"datasource"`
	New        bool        `json:"new"`
	Opens      bool        `json:"opens"`
	Changed    bool        `json:"changed"`
	Changes    []planField `json:"changes"`
	Kept       []planField `json:"kept"`
	Always     []planField `json:"always"`
}

func planJSON(p *component.ProvisionPlan) provisionJSON {
	fields := func(in []component.ProvisionChange, acts bool) []planField {
		out := []planField{}
		for _, c := range in {
			f := planField{Path: c.Path, Before: c.Before, After: c.After}
			if acts {
				f.Action = print.Action(c)
			}
			out = append(out, f)
		}
		return out
	}
	return provisionJSON{p.Name, p.New, p.Opens, !p.Empty(), fields(p.Changes, true), fields(p.Kept, false),
		fields(p.Always, false)}
}
