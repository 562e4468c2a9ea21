package config

import (
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

func TestDescribe(t *testing.T) {
	p := &pipeline{}
	p.Source.Mirror = "https://held"
	p.Source.Token = NewSecret(canary)
	out, err := codec.MarshalIndent(Describe(p))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/describe.golden", append(out, '\n'))
}

func TestDescribeRecursion(t *testing.T) {
	type node struct {
		Children []node `yaml:"children" doc:"x"`
	}
	fields := Describe(&node{})
	if len(fields) != 1 || fields[0].Type != "list of mapping" || fields[0].Fields != nil {
		t.Errorf("%+v", fields)
	}
}
