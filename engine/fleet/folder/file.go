package folder

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
)

// FileName is the name of the fleet's file in its folder.
const FileName = "fleet.yaml"

// File is what fleet.yaml has.
type File struct {
	Version   int               `yaml:"version" required:"true" min:"1" max:"1" doc:"1."`
	Fleet     string            `yaml:"fleet" required:"true" doc:"The name of the fleet. The IDs of its schedules in Temporal begin with it."`
	Defaults  Settings          `yaml:"defaults" doc:"What pipelines have that do not say otherwise."`
	Pipelines config.Map[Entry] `yaml:"pipelines" required:"true" doc:"The pipelines, by their names in the fleet."`
	Limits    Limits            `yaml:"limits" doc:"Times of all pipelines."`
}

// Settings are what each pipeline has.
type Settings struct {
	Team      string `yaml:"team" doc:"The team that owns the pipeline, for the search attributes."`
	Region    string `yaml:"region" doc:"The region, for the search attributes."`
	TaskQueue string `yaml:"task_queue" doc:"The task queue of the workers that reach the pipeline's source and sink."`
}

// Entry is a pipeline.
type Entry struct {
	File     string `yaml:"file" doc:"The pipeline file, relative to the folder (default: the name with .yaml)."`
	Pin      bool   `yaml:"pin" doc:"True makes workers refuse the file when it is not the one that fleet apply saw."`
	Settings `yaml:",inline"`
}

// Limits are times of all pipelines.
type Limits struct {
	Run       config.Duration `yaml:"run" default:"12h" min:"1m" max:"7d" doc:"How long one attempt of a run may take."`
	Heartbeat config.Duration `yaml:"heartbeat" default:"60s" min:"5s" max:"10m" doc:"How long a worker may give no sign of life. Then it ends its run itself, and another worker begins it again."`
	Retry     config.Duration `yaml:"retry" default:"24h" min:"1m" max:"14d" doc:"How long a run is tried again, counted from its first attempt."`
	Held      config.Duration `yaml:"held" default:"12h" min:"1m" max:"7d" doc:"How long a run waits while another run, such as one of pipe run, holds the datasource."`
	Confirm   config.Duration `yaml:"confirm" default:"24h" min:"1m" max:"7d" doc:"How long the sink is asked whether it has processed a run."`
}

const codeFleet = "fleet"

var (
	_ config.Validator = (*File)(nil)
	_ config.Validator = (*Entry)(nil)
)

// name is what a fleet and a pipeline may be called: it is a part of IDs in Temporal.
var name = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`)

const nameHint = "use up to 63 lower-case letters, digits, dots, hyphens and underscores"

// Validate reports names that no ID can have, pipelines without a task queue, names that are used
// twice and limits that contradict each other.
func (f *File) Validate(report func(field, code, message, hint string)) {
	if f.Fleet != "" && !name.MatchString(f.Fleet) {
		report("fleet", codeFleet, "not a name that a fleet can have", nameHint)
	}
	files := map[string]string{}
	for _, p := range f.Pipelines {
		if !name.MatchString(p.Key) {
			report("pipelines", codeFleet, "not a name that a pipeline can have: "+p.Key, nameHint)
		}
		path := p.Value.path(p.Key)
		if other := files[path]; other != "" {
			report("pipelines", codeFleet, fmt.Sprintf("%s and %s have the same file", other, p.Key),
				"remove one of them: two would undo each other's work")
		}
		files[path] = p.Key
		if p.Value.TaskQueue == "" && f.Defaults.TaskQueue == "" {
			report("pipelines", codeFleet, p.Key+" has no task queue", "set task_queue below defaults, or in the "+
				"pipeline")
		}
	}
	if l := f.Limits; l.Run > 0 && l.Retry > 0 && l.Retry < l.Run {
		report("limits.retry", codeFleet, "shorter than limits.run: no attempt could have its time",
			"make limits.retry at least limits.run")
	} else if l.Run > 0 && l.Heartbeat >= l.Run {
		report("limits.heartbeat", codeFleet, "not shorter than limits.run", "make limits.heartbeat shorter")
	}
	for field, text := range map[string]string{"defaults.team": f.Defaults.Team, "defaults.region": f.Defaults.Region,
		"defaults.task_queue": f.Defaults.TaskQueue} {
		reportID(field, text, report)
	}
}

// Validate reports a file outside the folder and settings that are no names.
func (e *Entry) Validate(report func(field, code, message, hint string)) {
	if e.File != "" && !filepath.IsLocal(filepath.FromSlash(e.File)) {
		report("file", codeFleet, "the file is outside the folder", "write a path relative to the folder of "+FileName)
	}
	for field, text := range map[string]string{"team": e.Team, "region": e.Region, "task_queue": e.TaskQueue} {
		reportID(field, text, report)
	}
}

// reportID reports a text that must not be in Temporal, where everybody with access reads it: it may
// be an e-mail address or a title.
func reportID(field, text string, report func(field, code, message, hint string)) {
	if text != "" && !name.MatchString(strings.ToLower(text)) {
		report(field, codeFleet, "not a short name: it is stored in Temporal without encryption", nameHint)
	}
}

// path returns the path of the pipeline file in the folder.
func (e Entry) path(key string) string {
	if e.File == "" {
		return key + ".yaml"
	}
	return filepath.Clean(filepath.FromSlash(e.File))
}
