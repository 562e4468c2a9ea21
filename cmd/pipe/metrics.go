package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

// lastSuccess is the metric that alerts look at: a run that fails leaves it as
// the last good one wrote it.
const lastSuccess = "pipe_last_success_timestamp_seconds"

// writeMetrics replaces a file of Prometheus's text format with the numbers of
// a run. It may be read by others: it holds nothing but numbers and the names of
// the pipeline's parts.
func writeMetrics(path string, r *record) error {
	m := &metrics{pipeline: r.File}
	now := time.Now().Unix()
	success := int64(0)
	if r.Report != nil {
		m.pipeline = r.Report.Pipeline
		if r.Report.Since != nil {
			success = r.Report.Since.Finished.Unix()
		}
	}
	success = min(now, max(success, earlierSuccess(path)))
	if r.whole() {
		success = now
	}
	m.add("pipe_last_run_timestamp_seconds", "gauge", "when the last run ended", float64(now))
	m.add(lastSuccess, "gauge", "when the last run ended that delivered everything, 0 when none is known", float64(success))
	m.add("pipe_last_run_exit_code", "gauge", "the exit code of the last run", float64(r.ExitCode))
	if rep := r.Report; rep != nil {
		for _, e := range component.Endings {
			m.add("pipe_records", "gauge", "records of the last run by how they ended", float64(rep.Endings[e]), "ending", e.String())
		}
		for _, s := range rep.Streams {
			if s.Written {
				m.add("pipe_items", "gauge", "items of the last run by stream", float64(s.Staged), "stream", s.Name)
			}
		}
		for _, s := range rep.Streams {
			if s.Written {
				paused := 0.0
				if slices.Contains(rep.Paused, s.Name) {
					paused = 1
				}
				m.add("pipe_deletion_paused", "gauge", "1 while Glean pauses the deletion of items that are no longer sent, by stream", paused, "stream", s.Name)
			}
		}
		for _, a := range access.Audiences {
			m.add("pipe_documents", "gauge", "documents of the last run by who finds them", float64(rep.Audience[a]), "audience", a.String())
		}
		m.add("pipe_rejected", "gauge", "records that the last run rejected", float64(rep.Endings[component.Rejected]))
		m.add("pipe_withheld", "gauge", "records that the last run withheld, since nobody may find them", float64(rep.Endings[component.Withheld]))
		for _, act := range []struct {
			name    string
			seconds float64
		}{{"read", rep.Seconds.Read}, {"review", rep.Seconds.Review}, {"publish", rep.Seconds.Publish}, {"confirm", rep.Seconds.Confirm}} {
			m.add("pipe_seconds", "gauge", "how long each act of the last run took", act.seconds, "act", act.name)
		}
	}
	return m.write(path)
}

// whole tells whether a run delivered everything to where people search.
func (r *record) whole() bool {
	return r.Report != nil && r.Report.Verdict == engine.VerdictDelivered && !r.Sandbox &&
		!slices.ContainsFunc(r.Report.Streams, func(s engine.StreamReport) bool { return !s.Written })
}

// metrics is a file in Prometheus's text format.
type metrics struct {
	pipeline string
	text     strings.Builder
	last     string // the metric that was written last
}

func (m *metrics) add(name, kind, help string, value float64, label ...string) {
	if name != m.last {
		fmt.Fprintf(&m.text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
		m.last = name
	}
	fmt.Fprintf(&m.text, "%s{pipeline=%s", name, labelValue(m.pipeline))
	for i := 0; i+1 < len(label); i += 2 {
		fmt.Fprintf(&m.text, ",%s=%s", label[i], labelValue(label[i+1]))
	}
	fmt.Fprintf(&m.text, "} %s\n", strconv.FormatFloat(value, 'f', -1, 64))
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func labelValue(v string) string { return `"` + labelEscapes.Replace(display.Lines(v)) + `"` }

// write replaces the file whole, so a collector never reads half of it. The
// collector is another user.
func (m *metrics) write(path string) error {
	return atomicfile.Replace(path, atomicfile.Options{Mode: 0o644}, func(w io.Writer) error {
		_, err := io.WriteString(w, m.text.String())
		return err
	})
}

// earlierSuccess is what the file said before, 0 when it said nothing.
func earlierSuccess(path string) int64 {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, lastSuccess+"{"); ok {
			_, value, _ := strings.Cut(strings.TrimSpace(rest), "} ")
			n, _ := strconv.ParseFloat(value, 64)
			return int64(n)
		}
	}
	return 0
}
