package suite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// keyword is a key of a record's expectation that is not a stream of the sink.
type keyword struct {
	name, shape, doc string
	enum             []string
}

const (
	keyFiltered  = "filtered"
	keyWithheld  = "withheld"
	keyRejected  = "rejected"
	keyMerged    = "merged"
	keyRule      = "rule"
	keyAudience  = "audience"
	keyCanSee    = "can_see"
	keyCannotSee = "cannot_see"
	keyMembers   = "members"
)

func keywords() []keyword {
	return []keyword{
		{name: keyFiltered, shape: "text", doc: "By which filter, plugin or omission it is filtered."},
		{name: keyWithheld, shape: "text", doc: "It is withheld, because no one may find it: true, or a part of " +
			"the reason."},
		{name: keyRejected, shape: "text", doc: "It is rejected: true, or a part of the stage, field and reason."},
		{name: keyMerged, shape: "text", doc: "It is merged into another: true."},
		{name: keyRule, shape: "text", doc: "The permission rule that decides, or default."},
		{name: keyAudience, shape: "text", doc: "Who finds the document, as a class; `nobody` when nothing is sent.",
			enum: audiences()},
		{name: keyCanSee, shape: "list of text", doc: "E-mails or refs of people who find the document."},
		{name: keyCannotSee, shape: "list of text",
			doc: "E-mails or refs of people who do not find it. Each is one of the records; a person who is in " +
				"none is written " + strangerWord + " E-MAIL."},
		{name: keyMembers, shape: "list of text",
			doc: "E-mails of users and refs of groups that the group holds: all of them, in any order."},
	}
}

func audiences() []string {
	var out []string
	for _, a := range access.Audiences {
		out = append(out, a.String())
	}
	return out
}

// Problem codes that occur only in tests.
const (
	codeRule    = "unknown-rule"
	codeFixture = "unknown-fixture"
	codeRecords = "bad-records"
)

// The keys of a partial expectation of a value.
const (
	keyContains = "contains"
	keyLacks    = "lacks"
)

// strangerWord precedes a person who must not be one of the records.
const strangerWord = "stranger"

// absent is the expectation that a stream has no item of the record.
const absent = "absent"

// checker checks expectations before anything runs.
type checker struct {
	d        *pipeline.Definition
	problems config.Problems
}

func (c *checker) problem(n *config.Node, code, message, hint string) {
	c.problems = append(c.problems, *problemAt(n, code, message, hint))
}

func (c *checker) unknown(e config.Entry, what string, known []string) {
	hint := "the keys are " + strings.Join(known, ", ")
	if near := config.Nearest(e.Key, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	c.problems = append(c.problems,
		config.Problem{Pos: e.KeyPos, Width: len([]rune(e.Key)), Code: "unknown-key",
			Message: fmt.Sprintf("%s %q", what, e.Key), Hint: hint})
}

// check checks the expectation of one record.
func (c *checker) check(n *config.Node) {
	var known []string
	for _, s := range c.d.Streams {
		known = append(known, s.Name)
	}
	for _, k := range keywords() {
		known = append(known, k.name)
	}
	if len(n.Entries()) == 0 {
		c.problem(n, "required", "the record has no expectation",
			"write a line below it, such as documents: {} or withheld: true")
	}
	for _, e := range n.Entries() {
		i := slices.IndexFunc(c.d.Streams, func(s component.Stream) bool { return s.Name == e.Key })
		switch {
		case i >= 0:
			c.stream(e, c.d.Streams[i])
		case !slices.Contains(known, e.Key):
			c.unknown(e, "a record cannot be expected under", known)
		case e.Value.IsNull():
			c.problem(e.Value, "required", e.Key+" says nothing", "write a value, or remove the line")
		default:
			c.keyword(e)
		}
	}
}

func (c *checker) keyword(e config.Entry) {
	switch e.Key {
	case keyCanSee, keyCannotSee, keyMembers:
		if e.Value.Kind() != config.List || slices.ContainsFunc(e.Value.Items(), func(n *config.Node) bool {
			return n.Kind() != config.Scalar
		}) {
			c.problem(e.Value, "wrong-kind", e.Key+" is a list of people", "write - ann@example.com below it, a line each")
		}
		return
	}
	if e.Value.Kind() != config.Scalar {
		c.problem(e.Value, "wrong-kind", e.Key+" is one text", "")
		return
	}
	text := e.Value.Text()
	switch e.Key {
	case keyRule:
		var rules []string
		for _, g := range c.d.Grants {
			rules = append(rules, g.Rule)
		}
		if !slices.Contains(rules, text) {
			c.problem(e.Value, codeRule, fmt.Sprintf("the pipeline has no rule %q", text), nearHint(text, rules))
		}
	case keyAudience:
		if !slices.Contains(audiences(), text) {
			c.problem(e.Value, "not-allowed", fmt.Sprintf("%q is not an audience", text), nearHint(text, audiences()))
		}
	case keyMerged:
		if text != "true" {
			c.problem(e.Value, "not-allowed", "merged is true, or is left out", "write merged: true")
		}
	}
}

// stream checks the expectation of an item: absent, or some of its fields.
func (c *checker) stream(e config.Entry, s component.Stream) {
	switch {
	case e.Value.Kind() == config.Scalar && e.Value.Text() == absent:
		return
	case e.Value.Kind() != config.Mapping:
		c.problem(e.Value, "wrong-kind", "an item is expected by its fields",
			"write its fields below "+e.Key+", a line each, {} for any, or "+absent)
		return
	}
	var known []string
	for _, f := range s.Fields {
		known = append(known, f.Name)
	}
	for _, field := range e.Value.Entries() {
		spec, ok := s.Field(field.Key)
		if !ok {
			c.unknown(field, s.Name+" have no field", known)
			continue
		}
		if spec.Type == component.Properties && field.Value.Kind() == config.Mapping {
			for _, p := range field.Value.Entries() {
				c.value(p.Value)
			}
			continue
		}
		c.value(field.Value)
	}
}

// value checks the expectation of a value.
func (c *checker) value(n *config.Node) {
	if n.Kind() != config.Mapping {
		return
	}
	for _, e := range n.Entries() {
		if e.Key != keyContains && e.Key != keyLacks {
			c.unknown(e, "a value is given whole, or by what it contains or does not contain, not by",
				[]string{keyContains, keyLacks})
		}
	}
}

// mostListed is the maximum number of names in a message.
const mostListed = 12
