package backstage

import (
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
)

// ModelConfig is the block backstage of a source that takes entities from elsewhere.
type ModelConfig struct {
	UIURL string           `yaml:"ui_url" required:"true" doc:"Address at which people open Backstage."`
	Page  string           `yaml:"page" default:"{ui_url}/catalog/{namespace}/{kind}/{name}" doc:"Address of an entity's page; {ui_url}, {kind}, {namespace} and {name} are replaced, the last three in lower case."`
	Kinds config.Map[bool] `yaml:"kinds" doc:"Which kinds to read, including custom ones; by default Backstage's own kinds."`
}

var _ config.Validator = (*ModelConfig)(nil)

// Validate reports settings that cannot be used.
func (c *ModelConfig) Validate(report func(field, code, message, hint string)) {
	c.source().validateModel(report)
}

// source returns the configuration of the source with the same model.
func (c *ModelConfig) source() *Config { return &Config{UIURL: c.UIURL, Page: c.Page, Kinds: c.Kinds} }

// ModelSpec is the model as the registry lists it.
func ModelSpec() component.ModelSpec[*ModelConfig] {
	return component.ModelSpec[*ModelConfig]{
		Name:    "backstage",
		Summary: "Entities in the form in which Backstage's API returns them, with their relations.",
		Config:  func() *ModelConfig { return &ModelConfig{} },
		Model:   func(cfg *ModelConfig) component.Model { return NewModel(cfg.source()) },
	}
}
