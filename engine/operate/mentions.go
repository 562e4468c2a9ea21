package operate

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/run"
)

// Mentioned lists the documents whose text contains the title or the ref of a hidden record.
type Mentioned struct {
	Title string // "" when the source does not have the record
	Refs  []string
}

// Mentions reads the source and returns, for each ref, the documents that a run would send now
// and whose text contains the ref or the title of its record, as words and in any case. Nothing
// is sent.
func Mentions(ctx context.Context, p *component.Pipeline, o SelectOptions) (map[string]*Mentioned, error) {
	decoder, can := p.Sink.(component.Decoder)
	if !can {
		return nil, fault.Errorf(fault.Fatal, "", "the sink cannot read back what it would send")
	}
	store, err := baseline.Open(o.State, p.Sink.Place())
	if err != nil {
		return nil, baseline.Unusable(err)
	}
	m := &mentions{decoder: decoder, titles: map[string]string{}}
	for _, ref := range o.Refs {
		m.titles[ref] = ""
	}
	hidden, err := baseline.HiddenNow(store, component.HostsOf(p.Model))
	if err != nil {
		return nil, err
	}
	for _, ref := range o.Refs { // the sink's items have their titles
		hidden = hidden.Without(ref)
	}
	options := run.StageOptions{RunID: o.RunID, Hidden: &hidden, Observer: m, Log: o.Log, Stop: o.Stop}
	if err := run.Stage(ctx, p, options, m.collect); err != nil {
		return nil, err
	}
	return m.found, nil
}

type mentions struct {
	unobserved
	decoder component.Decoder
	found   map[string]*Mentioned

	mu     sync.Mutex
	titles map[string]string // by ref
}

// Wants and Decoded record the titles of the refs.
func (m *mentions) Wants(ref string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, wanted := m.titles[ref]
	return wanted
}

func (m *mentions) Decoded(r *component.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.titles[r.Ref] = r.Title
}

// collect searches the documents of the plan.
func (m *mentions) collect(_ context.Context, staged *run.Staged) error {
	m.found = map[string]*Mentioned{}
	var names needles
	for ref, title := range m.titles {
		m.found[ref] = &Mentioned{Title: title, Refs: []string{}}
		names.add(ref, ref)
		names.add(title, ref)
	}
	err := m.documents(staged, func(ref string) bool {
		return m.found[ref] != nil
	}, func(e component.Encoded, doc component.Stored) {
		m.found[e.Ref].Title = cmp.Or(doc.Title, m.found[e.Ref].Title)
		names.add(doc.Title, e.Ref)
	})
	if err != nil {
		return err
	}
	err = m.documents(staged, func(ref string) bool {
		return m.found[ref] == nil
	}, func(e component.Encoded, doc component.Stored) {
		hits := map[string]bool{}
		texts(doc.Fields, func(text string) { names.in(text, hits) })
		names.in(doc.Title, hits)
		for ref := range hits {
			m.found[ref].Refs = append(m.found[ref].Refs, e.Ref)
		}
	})
	if err != nil {
		return err
	}
	for _, found := range m.found {
		slices.Sort(found.Refs)
		found.Refs = slices.Compact(found.Refs)
	}
	return nil
}

// documents calls take with the documents of the plan whose ref is wanted.
func (m *mentions) documents(staged *run.Staged, wanted func(ref string) bool,
	take func(component.Encoded, component.Stored)) error {
	for _, stream := range staged.Plan.Streams {
		if s, _ := staged.Pipeline.Stream(stream.Name); !s.Permissions {
			continue
		}
		for e, err := range stream.Content {
			if err != nil {
				return err
			}
			if !wanted(e.Ref) {
				continue
			}
			doc, err := m.decoder.Decode(stream.Name, e.Body)
			if err != nil {
				return err
			}
			take(e, doc)
		}
	}
	return nil
}

// unobserved implements the remaining methods of component.Observer.
type unobserved struct{}

func (unobserved) Transformed(*component.Worker, component.Transform, map[string]any, *component.Record,
	component.Outcome) {
}
func (unobserved) Mapping(*component.Worker, *component.Record)         {}
func (unobserved) Mapped(*component.Record, component.Mapped)           {}
func (unobserved) Decided(*component.Record, access.Permissions)        {}
func (unobserved) Named(string, string)                                 {}
func (unobserved) Staged(string, component.Encoded)                     {}
func (unobserved) Ended(string, component.Ending, component.DeadLetter) {}

// texts calls take with every text in a value.
func texts(v any, take func(string)) {
	switch v := v.(type) {
	case string:
		take(v)
	case []string:
		for _, one := range v {
			take(one)
		}
	case []any:
		for _, one := range v {
			texts(one, take)
		}
	case map[string]any:
		for _, one := range v {
			texts(one, take)
		}
	}
}

// needles are names that are searched for together, in one pass over a text.
type needles struct {
	byWord map[string][]needle // by first word
}

type needle struct {
	text, of string
	at       int  // offset of its first word
	name     bool // it has no space: - . and _ may continue it
}

// add adds a name of a ref. A name without a letter or digit is never found.
func (n *needles) add(text, of string) {
	text = strings.ToLower(strings.TrimSpace(text))
	for a, b := range wordsOf(text) {
		if n.byWord == nil {
			n.byWord = map[string][]needle{}
		}
		n.byWord[text[a:b]] = append(n.byWord[text[a:b]],
			needle{text: text, of: of, at: a, name: !strings.ContainsAny(text, " \t\n")})
		return
	}
}

// in adds to hits the refs of all names that a text contains.
func (n *needles) in(text string, hits map[string]bool) {
	text = strings.ToLower(text)
	for a, b := range wordsOf(text) {
		for _, one := range n.byWord[text[a:b]] {
			if start := a - one.at; start >= 0 && strings.HasPrefix(text[start:], one.text) &&
				one.endsAt(text[start+len(one.text):]) && one.beginsAfter(text[:start]) {
				hits[one.of] = true
			}
		}
	}
}

// endsAt reports whether the name ends before the rest of a text.
func (n needle) endsAt(rest string) bool {
	if last, _ := utf8.DecodeLastRuneInString(n.text); !isWord(last) {
		return true
	}
	if n.name {
		rest = strings.TrimLeft(rest, "-._")
	}
	next, _ := utf8.DecodeRuneInString(rest)
	return !isWord(next)
}

// beginsAfter reports whether the name begins after the preceding part of a text.
func (n needle) beginsAfter(before string) bool {
	if !n.name {
		return true
	}
	joined := strings.TrimRight(before, "-._")
	last, _ := utf8.DecodeLastRuneInString(joined)
	return joined == before || !isWord(last)
}

// wordsOf yields the start and the end of each run of letters and digits in a text.
func wordsOf(text string) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		start := -1
		for i, r := range text {
			switch word := isWord(r); {
			case word && start < 0:
				start = i
			case !word && start >= 0:
				if !yield(start, i) {
					return
				}
				start = -1
			}
		}
		if start >= 0 {
			yield(start, len(text))
		}
	}
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
