package file

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
)

// Config is the block source.file of a pipeline file.
type Config struct {
	Path       string           `yaml:"path" required:"true" doc:"File of records: JSON, NDJSON (.ndjson or .jsonl, read line by line) or YAML. A relative path is relative to the folder of the pipeline file."`
	Ref        string           `yaml:"ref" default:"id" doc:"Path of the member that identifies a record, as id or meta.id. Refs are compared without regard to case."`
	Kind       string           `yaml:"kind" default:"kind" doc:"Path of the member that holds a record's kind."`
	Title      string           `yaml:"title" default:"title" doc:"Path of the member that display() shows for a record; records may lack it."`
	Email      string           `yaml:"email" default:"email" doc:"Path of the member that holds a person's e-mail address; records may lack it."`
	Identities []string         `yaml:"identities" doc:"Kinds of people and groups. They are read before all others."`
	Kinds      config.Map[bool] `yaml:"kinds" required:"true" doc:"All other kinds. true writes a kind; false reads it only for look-ups by other records."`
}

var _ config.Validator = (*Config)(nil)

const codeFile = "file"

// ModelConfig is the block file of a source that takes records from elsewhere. Its keys are
// those of Config without path.
type ModelConfig struct {
	Ref        string           `yaml:"ref" default:"id" doc:"Path of the member that identifies a record, as id or meta.id. Refs are compared without regard to case."`
	Kind       string           `yaml:"kind" default:"kind" doc:"Path of the member that holds a record's kind."`
	Title      string           `yaml:"title" default:"title" doc:"Path of the member that display() shows for a record; records may lack it."`
	Email      string           `yaml:"email" default:"email" doc:"Path of the member that holds a person's e-mail address; records may lack it."`
	Identities []string         `yaml:"identities" doc:"Kinds of people and groups. They are read before all others."`
	Kinds      config.Map[bool] `yaml:"kinds" required:"true" doc:"All other kinds. true writes a kind; false reads it only for look-ups by other records."`
}

var _ config.Validator = (*ModelConfig)(nil)

// Validate reports settings that cannot be used.
func (c *ModelConfig) Validate(report func(field, code, message, hint string)) {
	c.source().Validate(report)
}

// source returns the configuration of the source with the same model.
func (c *ModelConfig) source() *Config {
	return &Config{Ref: c.Ref, Kind: c.Kind, Title: c.Title, Email: c.Email, Identities: c.Identities, Kinds: c.Kinds}
}

// Validate reports settings that cannot be used.
func (c *Config) Validate(report func(field, code, message, hint string)) {
	for field, path := range map[string]string{"ref": c.Ref, "kind": c.Kind, "title": c.Title, "email": c.Email} {
		if path != "" && slices.Contains(strings.Split(path, "."), "") {
			report(field, codeFile, fmt.Sprintf("%q is not a path of members", path),
				"write names with a dot between them, as meta.id")
		}
	}
	var seen []string
	twice := func(field, kind string) {
		folded := strings.ToLower(kind)
		switch {
		case strings.TrimSpace(kind) == "":
			report(field, codeFile, "a kind is empty", "write the kind as in the records")
		case slices.Contains(seen, folded):
			report(field, codeFile, "the kind "+kind+" is listed twice", "list it once, under identities or under kinds")
		}
		seen = append(seen, folded)
	}
	for i, k := range c.Identities {
		twice(fmt.Sprintf("identities.%d", i), k)
	}
	for _, k := range c.Kinds {
		twice("kinds", k.Key)
	}
}

// phases are the kinds of people and groups, and then all others.
func (c *Config) phases() []component.Phase {
	people, rest := component.Phase{Name: "identities", Identities: true}, component.Phase{Name: "records"}
	for _, k := range c.Identities {
		people.Kinds = append(people.Kinds, component.Kind{Name: k})
	}
	for _, k := range c.Kinds {
		rest.Kinds = append(rest.Kinds, component.Kind{Name: k.Key, Off: !k.Value})
	}
	return []component.Phase{people, rest}
}

// spelling returns a kind as the configuration spells it.
func (c *Config) spelling(kind string) (string, bool) {
	for _, ph := range c.phases() {
		for _, k := range ph.Kinds {
			if strings.EqualFold(k.Name, kind) {
				return k.Name, true
			}
		}
	}
	return "", false
}
