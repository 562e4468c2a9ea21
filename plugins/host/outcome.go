package host

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine"
)

// give does what on_error says about one record. An error ends the run.
func (t *Transform) give(out *engine.Outcome, r *engine.Record, err error) error {
	return t.giveAll(out, r, []*engine.Record{r}, err)
}

// giveAll is give for one of the records of a call that failed as a whole.
func (t *Transform) giveAll(out *engine.Outcome, r *engine.Record, all []*engine.Record, err error) error {
	switch t.o.OnError {
	case onErrorReject:
		out.Err = engine.Reject("transform", t.o.Name, "plugin %s: %s", t.label, headline(err))
		return nil
	case onErrorPass:
		t.counts.Lock()
		defer t.counts.Unlock()
		t.passed++
		if t.lastErr == nil || t.lastErr.Error() != err.Error() {
			t.o.Log.Warn("a plugin failed, and its records stay as they are", "plugin", t.label, "transform", t.o.Name, "records", refs(all), "error", err)
		}
		t.lastErr = err
		return nil
	}
	remedy := engine.RemedyOf(err)
	if remedy == "" {
		remedy = "mend the plugin or the record; with on_error: reject such records are rejected instead, with on_error: pass they stay as they are"
	}
	return engine.Errorf(engine.ClassOf(err), remedy, "plugin %s (%s), %s: %w", t.label, t.path(), refs(all), err)
}

// Notes tells how many records were left as they are (invariant 3).
func (t *Transform) Notes() []string {
	t.counts.Lock()
	defer t.counts.Unlock()
	if t.passed == 0 {
		return nil
	}
	return []string{fmt.Sprintf("transform %q: %d records stayed as they are, since plugin %s failed on them and on_error is pass; last: %s", t.o.Name, t.passed, t.label, headline(t.lastErr))}
}

// path is the program, as messages name it.
func (t *Transform) path() string {
	if len(t.o.Command) == 0 {
		return "no command"
	}
	return t.o.program()
}

// refs names the records of a call.
func refs(records []*engine.Record) string {
	if len(records) == 1 {
		return "record " + records[0].Ref
	}
	return fmt.Sprintf("a batch of %d records, from %s to %s", len(records), records[0].Ref, records[len(records)-1].Ref)
}

// headline is an error without the plugin's own lines below it.
func headline(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return cut(strings.TrimSuffix(line, "; the last lines it printed:"), 300)
}
