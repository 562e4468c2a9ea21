package pipeline

import (
	"regexp"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/schedule"
)

// File is the top level of a pipeline file.
type File struct {
	Version     int                           `yaml:"version" required:"true" doc:"The version of the file's format: 1."`
	Name        string                        `yaml:"name" required:"true" doc:"The name of the pipeline in logs, reports, requests and upload ids: letters, digits, - and _."`
	Description string                        `yaml:"description" doc:"One sentence for people."`
	Vars        map[string]string             `yaml:"vars" doc:"Values that expressions read as vars.NAME."`
	Secrets     *config.Node                  `yaml:"secrets" doc:"Where ${secret:NAME} finds its value: a provider and its settings."`
	Source      *config.Node                  `yaml:"source" required:"true" doc:"Where records come from: one component and its settings."`
	Transforms  []*config.Node                `yaml:"transforms" doc:"Changes of every record, in order."`
	Define      config.Map[config.Expression] `yaml:"define" doc:"Names for mapping and permissions, evaluated at most once per record."`
	Mapping     *config.Node                  `yaml:"mapping" required:"true" doc:"How records become items of the sink: a mapping for each stream."`
	Permissions *config.Node                  `yaml:"permissions" required:"true" doc:"Who finds a document: the first rule that holds, or the default."`
	Guards      Guards                        `yaml:"guards" doc:"What a run refuses to do without a person's approval."`
	Publish     Publish                       `yaml:"publish" doc:"Whether a run sends everything, or only changes."`
	Audit       Audit                         `yaml:"audit" doc:"The ledger of who could find what, which pipe audit reads."`
	Schedule    schedule.Schedule             `yaml:"schedule" doc:"When pipe serve runs this pipeline: a list of cron lines. Runs that were missed while the server was down are one run after its start."`
	Notify      *config.Node                  `yaml:"notify" doc:"Who gets a message when a run needs a person: exit 1, 3, 4 and 7. A dry run and a run on the sandbox notify no one."`
	Limits      Limits                        `yaml:"limits" doc:"Limits of resources."`
	Sink        *config.Node                  `yaml:"sink" required:"true" doc:"Where items go: one component and its settings."`
}

var _ config.Validator = (*File)(nil)

const (
	fileVersion = 1
	maxName     = 64
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// Validate checks the version and the values that become part of requests.
func (f *File) Validate(report func(field, code, message, hint string)) {
	if f.Version != fileVersion {
		report("version", "unknown-version", "this version of pipe does not support this format version",
			"write version: 1, or use a newer version of pipe")
	}
	if f.Name != "" && (!namePattern.MatchString(f.Name) || len(f.Name) > maxName) {
		report("name", "bad-name", "a pipeline's name has at most 64 letters, digits, - and _",
			"write name: catalog; put sentences under description")
	}
}

// Guards are the thresholds of the review act.
type Guards struct {
	MaxLoss     config.Threshold `yaml:"max_loss" default:"20%" doc:"How much of a stream or object type may be deleted within seven days, or since the last good run: a share (20%), a count (15), 0 for none, or {share: 20%, items: 50} for the larger of the two. A plain share always allows 20 items."`
	MaxWiden    config.Threshold `yaml:"max_widen" default:"1%" doc:"How many documents may be found by more people than an approval or the run of a week ago accepted, written like max_loss. A plain share always allows 20 documents; more than 20 that everyone would find need an approval in any case. It also limits pipe push."`
	MaxGrowth   Growth           `yaml:"max_growth" doc:"How many new people may join a group that documents name: people who could find none of its documents in the good runs of the last seven days. The larger of the two counts."`
	MaxRejected config.Threshold `yaml:"max_rejected" default:"1%" doc:"How many of the records may be rejected, written like max_loss. A plain share always allows 100 records."`
	Approvals   int              `yaml:"approvals" default:"1" min:"1" max:"5" doc:"How many people must approve a refusal that opens documents to everybody, or that counts more than 1,000 changes. More than one need pipe serve, where each has a token of their own or signs in: names given on a machine count as one. One person is enough for any other refusal. In an emergency, pipe approve --alone --reason TEXT does without the others."`
	OnRefusal   string           `yaml:"on_refusal" default:"stop" enum:"stop|tighten" doc:"What a refused run sends. stop: nothing. tighten: documents with a narrower audience by decision, where the record was read and all users and groups that the rule names are known in this run and the last; and documents that a rule withholds, within max_loss. Users, groups, members and content are never sent. The exit code is 4 in any case."`
}

// Growth bounds the new members of a group.
type Growth struct {
	Share  config.Share `yaml:"share" default:"25%" doc:"A share of the people who could find its documents."`
	People int          `yaml:"people" default:"20" min:"0" doc:"A number of people."`
}

// Publish says which items a run sends.
type Publish struct {
	Mode      string          `yaml:"mode" default:"auto" enum:"auto|full|changes" doc:"auto sends changes if the state folder has what was sent before and that is faster by the sink's limits, and everything otherwise. full always sends everything. changes fails if everything would have to be sent. pipe run --full and --changes override it for one run."`
	FullEvery config.Duration `yaml:"full_every" default:"168h" doc:"How long after a full publish auto sends everything again; 0s means never for this reason."`
}

// Audit configures the audit ledger of the state folder.
type Audit struct {
	Keep config.Duration `yaml:"keep" default:"400d" min:"1d" doc:"How long the ledger keeps a change. A run drops older changes at most a tenth of this time later, and at most 30 days."`
}

// Limits bounds the resources of a run. The defaults suit two cores and 100 MB.
type Limits struct {
	Workers int             `yaml:"workers" default:"2" min:"1" max:"64" doc:"Goroutines that decode, map and encode."`
	Batch   Batch           `yaml:"batch" doc:"How many records a worker takes at once."`
	Hold    config.Bytes    `yaml:"hold" default:"8MiB" doc:"Raw records of a phase that are kept in memory until it is complete. Beyond that they are kept on disk, and in the last phase, look-ups within the phase end."`
	Timeout config.Duration `yaml:"timeout" default:"0s" doc:"The longest a whole run may take; 0s means no limit."`
}

// Batch bounds a batch by records and bytes; the bound that is reached first counts.
type Batch struct {
	Records int          `yaml:"records" default:"500" min:"1" max:"10000" doc:"Records in a batch."`
	Bytes   config.Bytes `yaml:"bytes" default:"512KiB" min:"1KiB" doc:"Raw bytes of records in a batch."`
}

func (f *File) limits() component.Limits {
	l := component.DefaultLimits()
	l.Workers = f.Limits.Workers
	l.BatchCount, l.BatchBytes = f.Limits.Batch.Records, int(f.Limits.Batch.Bytes)
	l.SpillBytes = int(f.Limits.Hold)
	l.Timeout = f.Limits.Timeout.D()
	l.MaxLoss = bound(f.Guards.MaxLoss, l.MaxLoss)
	l.MaxWiden = bound(f.Guards.MaxWiden, l.MaxWiden)
	l.MaxGrowth = component.Bound{Share: float64(f.Guards.MaxGrowth.Share), Items: f.Guards.MaxGrowth.People}
	l.MaxRejected = bound(f.Guards.MaxRejected, l.MaxRejected)
	l.Approvers = f.Guards.Approvals
	return l
}

// bound returns a threshold of the file as a Bound. A plain share keeps the default number of
// items.
func bound(t config.Threshold, def component.Bound) component.Bound {
	b := component.Bound{Share: float64(t.Share), Items: t.Items}
	if t.Plain {
		b.Items = def.Items
	}
	return b
}
