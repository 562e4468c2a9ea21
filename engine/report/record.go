package report

import (
	"crypto/sha256"
	"encoding/hex"
	"os"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/run"
)

// Record is the audit record of a run.
type Record struct {
	Version   string    `json:"version"`
	File      string    `json:"file"`
	SHA256    string    `json:"sha256,omitempty"` // of the file
	Plugins   []Program `json:"plugins"`
	Sandbox   bool      `json:"sandbox"`
	Approvals []string  `json:"approvals"` // IDs on the command line
	Discarded []string  `json:"discarded_uploads"`
	ExitCode  int       `json:"exit_code"`
	Error     *Error    `json:"error,omitempty"`
	// Report is missing when the run did not begin.
	Report *run.Report `json:"report,omitempty"`
}

// Program is a program that a transform runs, with its pinned checksums.
type Program struct {
	Transform string   `json:"transform"`
	Command   []string `json:"command"`
	SHA256    []string `json:"sha256"`
}

// About sets the file and the programs of its transforms.
func (r *Record) About(d *pipeline.Definition) {
	if d.Document == nil {
		return
	}
	r.SHA256 = HashOf(d)
	for _, transform := range d.Transforms() {
		if t, ok := component.Capability[component.Programmed](transform); ok {
			p := t.Program()
			r.Plugins = append(r.Plugins, Program{transform.Name(), p.Command, p.Checksums})
		}
	}
}

// Append appends a record to a file, as a line. The line is escaped, and secrets are removed
// from it (invariant 6).
func (r *Record) Append(path string, secrets *redact.Redactor) error {
	b, err := codec.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(secrets.Clean(string(display.JSON(b))) + "\n")
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// HashOf returns the SHA-256 checksum of a definition's file, in hexadecimal.
func HashOf(d *pipeline.Definition) string {
	sum := sha256.Sum256(d.Document.Source())
	return hex.EncodeToString(sum[:])
}
