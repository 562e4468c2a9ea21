package upload

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// StaleAfter is how long an unfinished upload of an unknown run blocks other runs of the
// datasource.
const StaleAfter = 20 * time.Minute

// Unnamed identifies, for a person who discards it, an upload in progress that Glean's
// status does not name.
const Unnamed = "unnamed"

// discardable returns a sentence about an unfinished upload that is abandoned. It returns an
// error if another run still works on it.
func (p *Publisher) discardable(u api.Unfinished) (note string, err error) {
	run, ours := RunOf(p.o.Pipeline, u.Stream, u.ID)
	switch {
	case slices.Contains(p.o.Discard, u.ID):
		return fmt.Sprintf("an upload of %s was discarded as requested: %s", u.Stream, p.client.Readable(u.ID)), nil
	case !ours:
		return "", fault.Errorf(fault.Fatal, "wait until it ends, or stop the program that started it; if "+
			"nothing works on it any more, discard it with --discard-upload "+ShellWord(p.client.Readable(u.ID)),
			"an upload of %s to datasource %q, not by this pipeline, is unfinished: %s",
			u.Stream, p.client.Datasource,
			p.client.Readable(u.ID))
	case run.String() == p.o.RunID:
		return "", nil
	case p.o.Ended != nil && p.o.Ended(run.String()):
		return fmt.Sprintf("an upload of %s that an earlier run of this pipeline left unfinished was discarded", u.Stream),
			nil
	}
	now := p.clock.Now()
	since := u.Since
	if since.IsZero() {
		since = ulid.Time(run.Time())
	}
	switch ahead := since.Sub(now); {
	case ahead > StaleAfter: // a clock that is so wrong is no evidence, and must not block others for ever
		since = time.Time{}
	case ahead > 0:
		since = now
	}
	if until := since.Add(StaleAfter); now.Before(until) {
		return "", &fault.Held{
			Holder: fmt.Sprintf("run %s of this pipeline has an upload of %s under way", run, u.Stream), Since: since,
			Until: until,
			Remedy: fmt.Sprintf("wait until it ends; if it died, run again after %s or discard its upload with "+
				"--discard-upload %s", until.Local().Format("15:04:05"), u.ID),
		}
	}
	return fmt.Sprintf("an upload of %s that another run of this pipeline left unfinished more than %d minutes ago was "+
		"discarded", u.Stream, int(StaleAfter.Minutes())), nil
}

// ShellWord returns a text as typed on a command line.
func ShellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:/@", r))
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Claim decides about the unfinished uploads that a run meets before it sends
// anything: which streams have to discard one, and whether another run is at
// work on any stream of the datasource.
func (p *Publisher) Claim(all []api.Unfinished) error {
	given := slices.Clone(p.o.Discard)
	for _, u := range all {
		given = slices.DeleteFunc(given, func(id string) bool { return id == u.ID })
		note, err := p.discardable(u)
		if _, held := err.(*fault.Held); err != nil && (held || p.writes(u.Stream)) {
			return err
		}
		if err == nil && p.writes(u.Stream) {
			p.discards[u.Stream] = true
			if note != "" {
				p.notes = append(p.notes, note)
			}
		}
	}
	for _, id := range given {
		if id != Unnamed {
			p.notes = append(p.notes, fmt.Sprintf("Glean has no unfinished upload %s: nothing was discarded",
				ShellWord(id)))
		}
	}
	return nil
}
