package report

import (
	"io"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/pipe-engine/pipe/engine/atomicfile"
)

// WriteMetrics replaces a file in Prometheus's text format with the metrics of a run. What lasts
// is carried over from the file. Others may read the file.
func WriteMetrics(path string, r *Record, f Facts) error {
	now := time.Now()
	f.Lasting = readLasting(path).After(r, f.Guards, now)
	name := r.File
	if r.Report != nil {
		name = r.Report.Pipeline
	}
	return write(path, Gauges(name, r, f, now))
}

// write replaces the file atomically, which keeps a collector from reading half of it. The
// collector is another user.
func write(path string, metrics prometheus.Gatherer) error {
	families, err := metrics.Gather()
	if err != nil {
		return err
	}
	return atomicfile.Replace(path, atomicfile.Options{Mode: 0o644}, func(w io.Writer) error {
		for _, f := range families {
			if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// readLasting reads what lasts from a metrics file. It returns the zero value when the file
// cannot be read.
func readLasting(path string) Lasting {
	f, err := os.Open(path)
	if err != nil {
		return Lasting{}
	}
	defer f.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(f)
	if err != nil {
		return Lasting{}
	}
	times := func(name, label string) map[string]time.Time {
		out := map[string]time.Time{}
		for _, metric := range families[name].GetMetric() {
			value := ""
			for _, l := range metric.GetLabel() {
				if l.GetName() == label {
					value = l.GetValue()
				}
			}
			if at := max(metric.GetGauge().GetValue(), metric.GetUntyped().GetValue()); at > 0 {
				out[value] = time.Unix(int64(at), 0)
			}
		}
		return out
	}
	return Lasting{Success: times(lastSuccess, "")[""], Refused: times(refusedSince, "guard"),
		Paused: times(deletionPausedSince, "stream")}
}
