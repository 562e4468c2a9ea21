package config

import (
	"strings"
	"testing"
)

// TestMistaken: a file is of another kind when it has all keys of that kind and none of the wanted.
func TestMistaken(t *testing.T) {
	for text, want := range map[string]Format{
		"source: {}\nsink: {}\n":               PipelineFile,
		"tests: []\n":                          TestFile,
		"hub: {}\nkey_file: k\n":               AgentFile,
		"listen: x\nagents: {}\n":              HubFile,
		"issuer: x\ngrants: []\n":              OpenIDFile,
		"version: 1\nname: a\n":                "",
		"source: {}\n":                         "",
		"hub: {}\n":                            "",
		"":                                     "",
		"- source\n- sink\n":                   "",
		"name: a\nhub: {}\nlisten: x\nsink: {": "",
	} {
		doc, _ := Parse("x.yaml", []byte(text))
		for _, wanted := range []Format{PipelineFile, TestFile, AgentFile, HubFile, OpenIDFile} {
			p, ok := doc.Mistaken(wanted)
			if ok != (want != "" && want != wanted) || ok && !strings.Contains(p.Message, "this is "+string(want)) {
				t.Errorf("%q for %s: %v %v", text, wanted, ok, p)
			}
		}
	}
	doc, _ := Parse("x.yaml", []byte("source: {}\nsink: {}\nkey_file: k\n"))
	if p, ok := doc.Mistaken(AgentFile); ok {
		t.Errorf("a file with a key of the wanted kind: %v", p)
	}
}
