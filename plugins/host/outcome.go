package host

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// give applies on_error to one record; all are the records that failed with it. An error
// ends the run.
func (b *batch) give(out *component.Outcome, r *component.Record, all []*component.Record, err error) error {
	t := b.t
	switch t.o.OnError {
	case onErrorReject:
		out.Err = fault.Reject(fault.StageTransform, t.o.Name, "plugin %s: %s", t.label, headline(err))
		return nil
	case onErrorPass:
		b.passed = append(b.passed, r)
		if b.failure == nil {
			b.failure = err
		}
		return nil
	}
	remedy := fault.RemedyOf(err)
	if remedy == "" {
		remedy = "correct the plugin or the record; with on_error: reject such records are rejected, with " +
			"on_error: pass they stay unchanged"
	}
	return fault.Errorf(fault.ClassOf(err), remedy, "plugin %s (%s), %s: %w", t.label, t.path(), refs(all), err)
}

// warn logs once for a batch that records stay unchanged, and counts them.
func (b *batch) warn() {
	if len(b.passed) == 0 {
		return
	}
	t := b.t
	t.o.Log.Warn("a plugin failed; its records stay unchanged", "plugin", t.label, "transform", t.o.Name,
		"count", len(b.passed), "records", refs(b.passed), "error", b.failure)
	t.counts.Lock()
	defer t.counts.Unlock()
	t.passed += len(b.passed)
	t.lastErr = b.failure
	b.passed, b.failure = nil, nil
}

// Notes reports how many records stayed unchanged after failures (invariant 3).
func (t *Transform) Notes() []string {
	t.counts.Lock()
	defer t.counts.Unlock()
	if t.passed == 0 {
		return nil
	}
	passed := "1 record stayed unchanged"
	if t.passed > 1 {
		passed = fmt.Sprintf("%d records stayed unchanged", t.passed)
	}
	return []string{
		fmt.Sprintf("transform %q: %s, because plugin %s failed and on_error is pass; last: %s", t.o.Name, passed,
			t.label, headline(t.lastErr)),
	}
}

// path is the program, as messages name it.
func (t *Transform) path() string {
	if len(t.o.Command) == 0 {
		return "no command"
	}
	return t.o.command().Program()
}

// refs names the records of a call.
func refs(records []*component.Record) string {
	if len(records) == 1 {
		return "record " + records[0].Ref
	}
	return fmt.Sprintf("a batch of %d records, from %s to %s", len(records), records[0].Ref,
		records[len(records)-1].Ref)
}

// headline returns an error without the plugin's own lines below it.
func headline(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return cut(strings.TrimSuffix(line, "; the last lines it printed:"), 300)
}
