package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/folder"
	"github.com/pipe-engine/pipe/engine/fleet/payload"
	"github.com/pipe-engine/pipe/engine/redact"
)

// File is what the file of a worker has.
type File struct {
	Version   int             `yaml:"version" required:"true" min:"1" max:"1" doc:"1."`
	Secrets   *config.Node    `yaml:"secrets" doc:"Where ${secret:NAME} finds its value: a provider and its settings, as in a pipeline file."`
	Temporal  Temporal        `yaml:"temporal" doc:"The Temporal service."`
	TaskQueue string          `yaml:"task_queue" doc:"The task queue of this worker: one for each network that pipelines need."`
	State     State           `yaml:"state" doc:"Where baselines, approvals and hidden lists are kept."`
	Key       config.Secret   `yaml:"payload_key" required:"true" doc:"The key that encrypts what is kept in Temporal: 32 bytes in base64, as pipe-worker key prints it."`
	OldKeys   []config.Secret `yaml:"old_payload_keys" doc:"Earlier keys. They only decrypt."`
	Pipelines string          `yaml:"pipelines" path:"true" doc:"The folder of the fleet, with fleet.yaml and the pipeline files."`
	Git       *Git            `yaml:"git" doc:"A Git checkout of the folder. Instead of pipelines."`
	Runs      int             `yaml:"runs" default:"4" min:"1" max:"64" doc:"How many pipelines may run at once on this worker."`
	Grace     config.Duration `yaml:"grace" default:"10m" min:"1s" max:"6h" doc:"How long an upload that has begun may go on when the run or the worker is told to stop."`
	Reports   string          `yaml:"report_file" path:"true" doc:"A file to which the record of each run is appended, as with pipe run --report."`
	Unpinned  bool            `yaml:"allow_unpinned" doc:"True allows plugins without a checksum in the pipeline file."`
}

// Temporal is the Temporal service.
type Temporal struct {
	Address   string        `yaml:"address" default:"localhost:7233" doc:"Host and port."`
	Namespace string        `yaml:"namespace" default:"default" doc:"The namespace. Give each environment one of its own."`
	APIKey    config.Secret `yaml:"api_key" doc:"An API key, for Temporal Cloud."`
	TLS       *TLS          `yaml:"tls" doc:"TLS; with api_key also without this block."`
}

// TLS is how the service is verified, and the certificate of the worker.
type TLS struct {
	CAFile     string `yaml:"ca_file" path:"true" doc:"PEM file of certificate authorities to trust in addition to the system's."`
	CertFile   string `yaml:"cert_file" path:"true" doc:"PEM file of the client certificate, with key_file."`
	KeyFile    string `yaml:"key_file" path:"true" doc:"PEM file of the client certificate's key."`
	ServerName string `yaml:"server_name" doc:"The name in the server's certificate, if it differs from the address."`
}

// Git is a checkout.
type Git struct {
	Folder string `yaml:"folder" path:"true" required:"true" doc:"The checkout: the folder with .git."`
	Commit string `yaml:"commit" required:"true" doc:"The whole hash of the commit that must be checked out, without changes."`
	Path   string `yaml:"path" doc:"The folder of the fleet in the checkout."`
}

// fleet returns the folder with fleet.yaml.
func (g *Git) fleet() string { return filepath.Join(g.Folder, filepath.FromSlash(g.Path)) }

const codeWorker = "worker"

var (
	_ config.Validator = (*File)(nil)
	_ config.Validator = (*Temporal)(nil)
	_ config.Validator = (*Git)(nil)
)

// Validate reports settings that cannot be used together.
func (f *File) Validate(report func(field, code, message, hint string)) {
	if f.Pipelines != "" && f.Git != nil {
		report("git", codeWorker, "pipelines and git are both set", "remove one of them")
	}
	if f.Temporal.APIKey.IsGiven() && f.Temporal.TLS != nil && f.Temporal.TLS.CertFile != "" {
		report("temporal.api_key", codeWorker, "the worker has an API key and a certificate", "remove one of them")
	}
}

// Validate reports an address without a port.
func (t *Temporal) Validate(report func(field, code, message, hint string)) {
	if t.Address == "" {
		return
	}
	if _, port, err := net.SplitHostPort(t.Address); err != nil || port == "" {
		report("address", codeWorker, "not a host and a port", "write it as temporal.example.com:7233")
	}
}

// Validate reports a short hash.
func (g *Git) Validate(report func(field, code, message, hint string)) {
	if g.Commit != "" && !folder.IsCommit(g.Commit) {
		report("commit", codeWorker, "not the whole hash of a commit", "write what git rev-parse HEAD prints")
	}
	if g.Path != "" && !filepath.IsLocal(filepath.FromSlash(g.Path)) {
		report("path", codeWorker, "the path leaves the checkout", "write a path relative to folder")
	}
}

// Flags are settings of a command line. They replace those of the file, where they are set.
type Flags struct {
	Address, Namespace, TaskQueue string
	State                         string // the name of a store, or a folder
	Pipelines                     string
	TLS                           bool
	CAFile, CertFile, KeyFile     string
	ServerName                    string
}

// FileOptions are how the file is read.
type FileOptions struct {
	Lookup    func(string) (string, bool)
	Secrets   *redact.Redactor
	Log       *slog.Logger
	UserAgent string
	Flags     Flags
	// Stores are the state stores that the file can name.
	Stores []StoreSpec
}

// Worker is the file of a worker, read and complete.
type Worker struct {
	File
	Warnings config.Problems
	Source   []byte // without secrets
	Keys     *payload.Keys
}

// ReadWorker reads the file of a worker. It returns a *brokerfile.Error when the file is wrong, and a
// *fault.Invalid when it is not complete with the flags. Without its key no worker starts.
func ReadWorker(ctx context.Context, path string, o FileOptions) (*Worker, error) {
	w := &Worker{File: File{State: State{specs: o.Stores}}}
	doc, err := brokerfile.Read(path, &w.File, brokerfile.Options{Lookup: o.Lookup, Context: ctx,
		UserAgent: o.UserAgent,
		Redactor:  o.Secrets, Log: o.Log, Check: func(*config.Node) config.Problems {
			return config.CheckOrigins(&w.File, "https://"+w.Temporal.Address)
		}})
	if err != nil {
		return nil, err
	}
	w.Warnings, w.Source = doc.Warnings, doc.Source
	if o.Secrets != nil {
		for _, s := range config.Secrets(&w.File) {
			o.Secrets.Add(s.Reveal())
		}
	}
	if err := w.apply(o.Flags); err != nil {
		return nil, err
	}
	if err := w.valid(); err != nil {
		return nil, err
	}
	if o.Secrets != nil && w.State.Config != nil {
		for _, s := range config.Secrets(w.State.Config) {
			o.Secrets.Add(s.Reveal())
		}
	}
	texts := []string{w.Key.Reveal()}
	for _, old := range w.OldKeys {
		texts = append(texts, old.Reveal())
	}
	if w.Keys, err = payload.ParseKeys(texts...); err != nil {
		return nil, &fault.Invalid{Reason: fmt.Sprintf("%s: payload_key and old_payload_keys: %v", path, err),
			Remedy: "make a key with pipe-worker key, and keep it with the secrets"}
	}
	return w, nil
}

// complete returns a *fault.Invalid when the file lacks what a worker needs.
func (w *Worker) complete() error {
	for name, text := range map[string]string{"task_queue": w.TaskQueue, "pipelines": w.FleetFolder(),
		"state": w.StoreName()} {
		if text == "" {
			return &fault.Invalid{Reason: "the file of the worker has no " + name, Remedy: "add it to the file"}
		}
	}
	return nil
}

// apply replaces settings with those of flags.
func (w *Worker) apply(f Flags) error {
	set := func(to *string, text string) {
		if text != "" {
			*to = text
		}
	}
	set(&w.Temporal.Address, f.Address)
	set(&w.Temporal.Namespace, f.Namespace)
	set(&w.TaskQueue, f.TaskQueue)
	if f.State != "" {
		if err := w.State.use(f.State); err != nil {
			return err
		}
	}
	if f.Pipelines != "" {
		w.Pipelines, w.Git = f.Pipelines, nil
	}
	if f.TLS || f.CAFile+f.CertFile+f.KeyFile+f.ServerName != "" {
		if w.Temporal.TLS == nil {
			w.Temporal.TLS = &TLS{}
		}
		set(&w.Temporal.TLS.CAFile, f.CAFile)
		set(&w.Temporal.TLS.CertFile, f.CertFile)
		set(&w.Temporal.TLS.KeyFile, f.KeyFile)
		set(&w.Temporal.TLS.ServerName, f.ServerName)
	}
	return nil
}

// valid returns a *fault.Invalid when settings of the file cannot be used with those of flags.
func (w *Worker) valid() error {
	var out error
	report := func(field, _, message, hint string) {
		if out == nil {
			out = &fault.Invalid{Reason: fmt.Sprintf("%s, with the flags: %s", field, message), Remedy: hint}
		}
	}
	w.File.Validate(report)
	w.Temporal.Validate(func(field, code, message, hint string) { report("temporal."+field, code, message, hint) })
	return out
}

// FleetFolder returns the folder with fleet.yaml.
func (w *Worker) FleetFolder() string {
	if w.Git != nil {
		return w.Git.fleet()
	}
	return w.Pipelines
}

// Checkout returns the checkout of the folder; nil when it is mounted.
func (w *Worker) Checkout() *folder.Checkout {
	if w.Git == nil {
		return nil
	}
	return &folder.Checkout{Folder: w.Git.Folder, Commit: w.Git.Commit}
}

// callFor is how long a call to Temporal may take that a person waits for.
const callFor = 20 * time.Second
