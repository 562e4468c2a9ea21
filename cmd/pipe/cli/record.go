package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/run"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
)

// record is what is kept of a run for audits: a line of --report.
type record struct {
	Version   string         `json:"version"`
	File      string         `json:"file"`
	SHA256    string         `json:"sha256,omitempty"` // of the file
	Plugins   []pluginRecord `json:"plugins"`
	Sandbox   bool           `json:"sandbox"`
	Approvals []string       `json:"approvals"` // IDs that the call names
	Discarded []string       `json:"discarded_uploads"`
	ExitCode  int            `json:"exit_code"`
	Error     *errorBody     `json:"error,omitempty"`
	// Report is missing when the run did not begin.
	Report *run.Report `json:"report,omitempty"`
}

// pluginRecord is a plugin that ran, with the checksums that it was held to.
type pluginRecord struct {
	Transform string   `json:"transform"`
	Command   []string `json:"command"`
	SHA256    []string `json:"sha256"`
}

// about notes the file and its plugins.
func (r *record) about(d *pipeline.Definition) {
	if d.Document == nil {
		return
	}
	sum := sha256.Sum256(d.Document.Source())
	r.SHA256 = hex.EncodeToString(sum[:])
	for _, transform := range d.Transforms() {
		if t, ok := component.Capability[*pluginhost.Transform](transform); ok {
			o := t.Options()
			r.Plugins = append(r.Plugins, pluginRecord{o.Name, o.Command, o.Sums})
		}
	}
}

// keep writes what --report and --metrics-file ask for, also of a run that
// failed. What it cannot write is an error of a run that went well otherwise.
func (a *app) keep(c *urfave.Context, r *record, runErr error) error {
	flush(a.stdout)
	r.ExitCode = a.code(runErr)
	if runErr != nil && r.ExitCode != exitRejected {
		r.Error = bodyOf(runErr)
	}
	var err error
	if path := c.String("report"); path != "" {
		if reportErr := a.appendReport(path, r); reportErr != nil {
			err = fmt.Errorf("--report: %w", reportErr)
		}
	}
	if path := c.String("metrics-file"); path != "" {
		if metricsErr := writeMetrics(path, r); metricsErr != nil {
			err = errors.Join(err, fmt.Errorf("--metrics-file: %w", metricsErr))
		}
	}
	switch {
	case err == nil:
		return runErr
	case runErr == nil:
		return err
	}
	a.log.Error("what was asked for about the run could not be written", "error", err)
	return runErr
}

// appendReport adds a line to a file. Like all output it is redacted and escaped
// (invariant 6).
func (a *app) appendReport(path string, r *record) error {
	b, err := codec.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(a.redactor.Clean(string(display.JSON(b))) + "\n")
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
