package read

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

// Attachments is what a run knows about the attached records of each host: what the last good
// run delivered of them, and what this run read. It is safe for concurrent use.
type Attachments struct {
	mu    sync.Mutex
	marks map[string]baseline.Mark
	same  bool
	hosts map[string]*attachedHost
	// decided is who finds the hosts; nil before the read, and when no item can be attached.
	decided *hosts
}

// attachedHost is the attached records of one host.
type attachedHost struct {
	before int  // delivered by the last good run
	whole  bool // none of them was withheld, hidden or is leaving
	read   int  // delivered or kept by this run
	result component.Attached
	known  bool // result is set
	spoilt bool // one of its records was rejected or refused
}

// NewAttachments returns the attachments of a run. marks are those of the last good run; same
// means that the run sends only changes, so the records of a host may stay unread.
func NewAttachments(marks map[string]baseline.Mark, same bool) *Attachments {
	return &Attachments{marks: marks, same: same, hosts: map[string]*attachedHost{}}
}

func (t *Attachments) host(ref string) *attachedHost {
	h := t.hosts[ref]
	if h == nil {
		h = &attachedHost{whole: true}
		t.hosts[ref] = h
	}
	return h
}

// remember counts what the last good run delivered.
func (t *Attachments) remember(last *baseline.Snapshot, hidden baseline.Hiding, of component.Hosts) error {
	if last == nil {
		return nil
	}
	for e, err := range last.Entries() {
		if err != nil {
			return fmt.Errorf("read the state: %w", err)
		}
		host, attached := of(e.Ref)
		if !attached || e.Audience == "" {
			continue
		}
		h := t.host(host)
		_, listed := hidden.Find(e.Ref, e.ID)
		delivered := e.Away.IsZero() && e.Audience != access.Nobody.String()
		if delivered {
			h.before++
		}
		if listed || e.Leaving || e.KnownID() == "" || e.Away.IsZero() && !delivered {
			h.whole = false
		}
	}
	return nil
}

// mark returns the mark of a host. It is valid when all that was read then is in the sink.
func (t *Attachments) mark(host string) component.AttachedMark {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, h := t.marks[host], t.host(host)
	return component.AttachedMark{Mark: m.Text, Valid: t.same && m.Text != "" && h.whole && h.before == m.Items}
}

// end records what became of a host.
func (t *Attachments) end(host string, result component.Attached) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.host(host)
	h.result, h.known = result, true
}

// Decision returns who finds a host by the decision of this run, and so who may find what is
// attached to it. Its Audience is "nobody" when a rule grants no one access, and Undecided without
// a decision. It may be called after the read.
func (t *Attachments) Decision(host string) access.Permissions {
	from := t.decided.inherit(host)
	if from.ending == component.Withheld && from.decided {
		return access.Permissions{Audience: access.Nobody}
	}
	return from.Permissions
}

// stays reports whether the sink keeps what it holds of a host.
func (t *Attachments) stays(host string) bool {
	h := t.hosts[host]
	return h != nil && h.known && (h.result.State == component.AttachedUnread ||
		h.result.State == component.AttachedSame)
}

// spoil records that a record of a host was rejected, so the next run must read the host.
func (t *Attachments) spoil(host string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.host(host).spoilt = true
}

// add counts a delivered or kept record.
func (t *Attachments) add(host string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.host(host).read++
}

// Spoil is called for a record that the sink refused or that was hidden while the run published.
func (t *Attachments) Spoil(host string) { t.spoil(host) }

// Marks returns the marks for the next run. delivered is the number of records of a host that the
// sink holds after this run. A host that was not read keeps the number of its mark, so it is read
// again when the sink has lost some of these records meanwhile.
func (t *Attachments) Marks(delivered func(host string) int) map[string]baseline.Mark {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := map[string]baseline.Mark{}
	for ref, h := range t.hosts {
		if !h.known || h.result.State == component.AttachedGone {
			continue
		}
		m := baseline.Mark{Text: h.result.Mark, Items: delivered(ref)}
		if h.result.State != component.AttachedRead { // the number stays that of what the mark was read with
			m = baseline.Mark{Text: cmp.Or(m.Text, t.marks[ref].Text), Items: t.marks[ref].Items}
		}
		if h.spoilt { // no number of records is valid
			m.Items = -1
		}
		if m.Text != "" {
			out[ref] = m
		}
	}
	return out
}

// Unread returns the hosts whose records could not be read although the sink holds some, sorted,
// and the number of these records.
func (t *Attachments) Unread() (hosts []string, records int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, ref := range slices.Sorted(maps.Keys(t.hosts)) {
		if h := t.hosts[ref]; h.known && h.result.State == component.AttachedUnread && h.read > 0 {
			hosts, records = append(hosts, ref), records+h.read
		}
	}
	return hosts, records
}

// smallGroup is the number of records below which a host is too small to say that it shrank.
const smallGroup = 4

// Shrunk returns how a host has lost more than half of its records since the last good run; ""
// when it has not.
func (t *Attachments) Shrunk(host string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hosts[host].shrunk(host)
}

func (h *attachedHost) shrunk(host string) string {
	if h == nil || !h.known || h.result.State != component.AttachedRead || h.before < smallGroup ||
		2*h.read >= h.before {
		return ""
	}
	return fmt.Sprintf("%s shrank from %s to %d", host, display.Plural(h.before, "record"), h.read)
}

// notes returns sentences about hosts that could not be read, are gone or shrank.
func (t *Attachments) notes(kind string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var notes []string
	unread, gone := map[string]*display.Examples{}, &display.Examples{}
	shrunk := &display.Examples{}
	kept := map[string]int{}
	for _, ref := range slices.Sorted(maps.Keys(t.hosts)) {
		h := t.hosts[ref]
		switch {
		case !h.known:
		case h.result.State == component.AttachedUnread && h.result.Reason != "":
			why := h.result.Reason
			if unread[why] == nil {
				unread[why] = &display.Examples{Why: why}
			}
			unread[why].Add(ref)
			kept[why] += h.read
		case h.result.State == component.AttachedGone && h.before > 0:
			gone.Add(ref)
		case h.shrunk(ref) != "":
			shrunk.Add(h.shrunk(ref))
		}
	}
	for _, why := range slices.Sorted(maps.Keys(unread)) {
		x := unread[why]
		note := fmt.Sprintf("%s of %s not read, %s: %s", kind, display.Plural(x.N, "record"), x, why)
		if kept[why] > 0 {
			note += fmt.Sprintf("; %s in the sink stay as they are", display.Number(kept[why]))
		}
		notes = append(notes, note)
	}
	if gone.N > 0 {
		notes = append(notes, fmt.Sprintf("%s of %s is gone from the source: %s", kind, display.Plural(gone.N,
			"record"), gone))
	}
	if shrunk.N > 0 {
		notes = append(notes, fmt.Sprintf("%s: %s", kind, shrunk))
	}
	return notes
}
