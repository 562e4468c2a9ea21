package api

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/connection"
)

// Deprecation is the header by which Glean announces removals, one for each thing.
var Deprecation = connection.DeprecationHeader{Name: "X-Glean-Deprecated", Sentence: removal}

// removal is a sentence of name=…;kind=…;context=…;removal=DATE;docs=…
func removal(value string) string {
	fields := map[string]string{}
	for part := range strings.SplitSeq(value, ";") {
		name, text, _ := strings.Cut(part, "=")
		fields[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(text), `"`)
	}
	if fields["name"] == "" {
		return "pipe uses a deprecated part of Glean's API: " + value
	}
	kind := fields["kind"]
	if kind == "" {
		kind = "something named"
	}
	sentence := fmt.Sprintf("%s %s is deprecated", kind, fields["name"])
	if context := fields["context"]; context != "" {
		sentence += " (" + context + ")"
	}
	if date := fields["removal"]; date != "" {
		sentence += ", it is removed on " + date
	}
	if docs := fields["docs"]; docs != "" {
		sentence += ": " + docs
	}
	return sentence
}
