package config

import (
	"fmt"
	"strings"
	"testing"
)

type thresholds struct {
	Limit Threshold `yaml:"limit" default:"20%" doc:"A limit."`
}

// TestThreshold is every notation, and what is said of the others.
func TestThreshold(t *testing.T) {
	if err := CheckSpec(&thresholds{}); err != nil {
		t.Fatal(err)
	}
	plain := func(s Share) Threshold { return Threshold{Share: s, Plain: true, given: true} }
	for text, want := range map[string]Threshold{
		"":                                   plain(0.2),
		"limit: 20%":                         plain(0.2),
		"limit: 0.5 %":                       plain(0.005),
		"limit: 0":                           {given: true},
		"limit: 0%":                          {given: true},
		"limit: 15":                          {Items: 15, given: true},
		"limit: '15'":                        {Items: 15, given: true},
		"limit: ${N}":                        {Items: 7, given: true},
		"limit: ${P}":                        plain(0.5),
		"limit: ${EMPTY:-}":                  plain(0.2),
		"limit: {share: 1%, items: 20}":      {Share: 0.01, Items: 20, given: true},
		"limit:\n  share: 0%\n  items: ${N}": {Items: 7, given: true},
	} {
		got, problems := decodeThreshold(t, text)
		if got != want || len(problems) > 0 {
			t.Errorf("%q: %+v, %v; want %+v", text, got, problems, want)
		}
	}
	for text, want := range map[string]string{
		"limit: 0.2":                      "write 20%",
		"limit: -1":                       "neither a share nor a count",
		"limit: lots":                     "neither a share nor a count",
		"limit: 101%":                     "more than 100%",
		"limit: 1e3":                      "neither a share nor a count",
		"limit: 99999999999999999999":     "too large",
		"limit: [1%]":                     "a share or a count is expected",
		"limit: {share: 1%}":              "items",
		"limit: {items: 20}":              "share",
		"limit: {share: 1%, items: -1}":   "too small",
		"limit: {share: 2, items: 1}":     "share",
		"limit: {share: 1%, item: 2}":     "item",
		"limit: {share: 1%, items: many}": "whole number",
	} {
		if _, problems := decodeThreshold(t, text); len(problems) == 0 ||
			!strings.Contains(fmt.Sprint(problems, problems[0].Hint), want) {
			t.Errorf("%q: %v", text, problems)
		}
	}
}

func decodeThreshold(t *testing.T, text string) (Threshold, Problems) {
	t.Helper()
	doc, problems := Parse("f.yaml", []byte("a: 1\n"+text+"\n"))
	if len(problems) > 0 {
		return Threshold{}, problems
	}
	var into struct {
		A          int `yaml:"a" doc:"Something."`
		thresholds `yaml:",inline"`
	}
	vars := map[string]string{"N": "7", "P": "50%"}
	problems = Decode(doc.Root(), &into, &Variables{Lookup: func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}})
	return into.Limit, problems
}
