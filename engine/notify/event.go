package notify

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/run"
)

// Outcome is the outcome of a run that needs a person.
type Outcome string

const (
	Failed      Outcome = "failed"
	Rejected    Outcome = "rejected"    // done, some records rejected
	Refused     Outcome = "refused"     // by a guard
	Unconfirmed Outcome = "unconfirmed" // sent, but the sink has paused a deletion or not confirmed an upload
	// ApprovedAlone is no run: one person approved a refusal that needs several.
	ApprovedAlone Outcome = "approved-alone"
)

// Event is a run that ended.
type Event struct {
	Pipeline string
	RunID    string
	// Outcome is "" for a successful run: no message is sent, and reported states are cleared.
	Outcome  Outcome
	ExitCode int
	Code     string      // of the error, such as transient
	Err      error       // nil when the run did not fail
	Report   *run.Report // nil when the run did not begin
	Approved *Approved   // only with ApprovedAlone
}

// Approved is an approval by one person of a refusal that needs several.
type Approved struct{ ID, By, Reason string }

// Message is the JSON message for a webhook.
type Message struct {
	Version  int            `json:"version"`
	Pipeline string         `json:"pipeline"`
	Run      string         `json:"run"`
	Time     time.Time      `json:"time"`
	Outcome  Outcome        `json:"outcome"`
	ExitCode int            `json:"exit_code"`
	Summary  string         `json:"summary"`
	Repeated bool           `json:"repeated"` // it was sent before, and the state lasts
	Refusal  string         `json:"refusal,omitempty"`
	Causes   []string       `json:"causes"`
	Rules    map[string]int `json:"rules,omitempty"` // documents with a wider audience, by rule
	Counts   map[string]int `json:"counts"`
	Details  *Details       `json:"details,omitempty"`
}

// Details are sent only when the file sets details.
type Details struct {
	Error     string   `json:"error,omitempty"`
	Table     []string `json:"table,omitempty"`
	Documents []string `json:"documents,omitempty"`
	Rejected  []string `json:"rejected,omitempty"`
}

const (
	messageVersion = 1
	// mostCauses is the maximum number of causes, and mostNamed that of documents in a message.
	mostCauses = 10
	mostNamed  = 20
)

// state returns the name of the state that lasts until a run ends differently: the refusal, or
// the kind of failure.
func (e Event) state() string {
	var refused *fault.Refusal
	switch {
	case e.Approved != nil:
		return string(ApprovedAlone) + " " + e.Approved.ID
	case errors.As(e.Err, &refused):
		return string(Refused) + " " + cmp.Or(refused.ID, refused.Guard)
	case e.Outcome == Failed:
		return string(Failed) + " " + e.Code
	}
	return string(e.Outcome)
}

// message returns the message for an event.
func (e Event) message(now time.Time, details bool) *Message {
	m := &Message{Version: messageVersion, Pipeline: e.Pipeline, Run: e.RunID, Time: now.UTC().Truncate(time.Second),
		Outcome: e.Outcome, ExitCode: e.ExitCode, Counts: map[string]int{}, Rules: map[string]int{}, Causes: []string{}}
	m.Summary = fmt.Sprintf("%s: %s (exit %d)", e.Pipeline, e.words(), e.ExitCode)
	if a := e.Approved; a != nil {
		m.Summary = fmt.Sprintf("%s: %s approved refusal %s alone: %s", e.Pipeline, a.By, a.ID, a.Reason)
		m.Refusal = a.ID
	}
	var refused *fault.Refusal
	if errors.As(e.Err, &refused) {
		m.Refusal = refused.ID
	}
	causes := run.Causes(e.Err, e.Code, e.Report)
	m.Causes = append(m.Causes, causes[:min(len(causes), mostCauses)]...)
	if r := e.Report; r != nil {
		m.Counts["read"] = r.Read
		for _, ending := range component.Endings {
			if n := r.Endings[ending]; n > 0 {
				m.Counts[countName(r, ending)] = n
			}
		}
		if r.Since != nil {
			m.Counts["wider"] = r.Since.Wider
			for _, d := range r.Since.Widened {
				m.Rules[d.Rule]++
			}
		}
	}
	if details {
		m.Details = e.details()
	}
	return m
}

func (e Event) words() string {
	switch e.Outcome {
	case Refused:
		if e.Report != nil && e.Report.Sent {
			return "refused by a guard, only narrower access was sent"
		}
		return "refused by a guard, nothing was sent"
	case Rejected:
		return "delivered, some records were rejected"
	case Unconfirmed:
		return "sent, not confirmed"
	}
	return "the run failed"
}

// countName returns the name of an ending as a count. A run that sent nothing counts what it
// would have delivered under another name.
func countName(r *run.Report, e component.Ending) string {
	if e == component.Delivered && r.Verdict != run.VerdictDelivered && r.Verdict != run.VerdictUnconfirmed {
		return "would_be_delivered"
	}
	return e.String()
}

func (e Event) details() *Details {
	d := &Details{}
	if e.Err != nil {
		d.Error = e.Err.Error()
	}
	var refused *fault.Refusal
	if errors.As(e.Err, &refused) {
		for r := refused; r != nil; r = r.Also {
			d.Table = append(d.Table, r.Table...)
		}
		for _, c := range refused.AllChanges() {
			if c.Ref != "" && len(d.Documents) < mostNamed {
				d.Documents = append(d.Documents, c.Ref)
			}
		}
		d.Table = d.Table[:min(len(d.Table), mostNamed)]
	}
	if e.Report != nil {
		for _, r := range e.Report.Rejections[:min(len(e.Report.Rejections), mostNamed)] {
			d.Rejected = append(d.Rejected, r.Ref+": "+r.Reason)
		}
	}
	return d
}

// byCount returns the names of a count, the largest count first.
func byCount(m map[string]int) []string {
	names := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(names, func(a, b string) int { return m[b] - m[a] })
	return names
}

// slackText formats a message for Slack. Untrusted text cannot create links or mentions.
func slackText(m *Message) string {
	var b strings.Builder
	icon := map[Outcome]string{Refused: ":octagonal_sign:", Failed: ":x:", ApprovedAlone: ":rotating_light:"}[m.Outcome]
	fmt.Fprintf(&b, "%s *%s*", cmp.Or(icon, ":warning:"), slackEscape(m.Summary))
	if m.Repeated {
		b.WriteString(" (still)")
	}
	for _, c := range m.Causes {
		b.WriteString("\n• " + slackEscape(c))
	}
	var parts []string
	for _, rule := range byCount(m.Rules) {
		parts = append(parts, fmt.Sprintf("%s (%s)", rule, display.Number(m.Rules[rule])))
	}
	if parts != nil {
		b.WriteString("\nWider audience by rule: " + slackEscape(display.List(parts, mostCauses, ", ")))
	}
	parts = nil
	for _, name := range byCount(m.Counts) {
		parts = append(parts, fmt.Sprintf("%s %s", display.Number(m.Counts[name]), strings.ReplaceAll(name, "_", " ")))
	}
	if parts != nil {
		b.WriteString("\nRecords: " + strings.Join(parts, ", "))
	}
	if m.Refusal != "" {
		b.WriteString("\nRefusal `" + slackEscape(m.Refusal) + "`")
	}
	if d := m.Details; d != nil {
		for _, line := range slices.Concat([]string{d.Error}, d.Table, d.Documents, d.Rejected) {
			if line != "" {
				b.WriteString("\n> " + slackEscape(line))
			}
		}
	}
	b.WriteString("\nRun " + slackEscape(m.Run))
	return b.String()
}

// slackEscape escapes what Slack reads as a link, a mention or a format.
func slackEscape(s string) string { return slackEscaper.Replace(s) }

var slackEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "~", "∼", "`", "ˋ")
