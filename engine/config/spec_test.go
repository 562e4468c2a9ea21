package config

import (
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
)

// pipeline is the component spec of the tests: every supported type once.
type pipeline struct {
	Version    int              `yaml:"version" required:"true" min:"1" max:"1" doc:"The version of the language."`
	Name       string           `yaml:"name" required:"true" doc:"The name of the pipeline."`
	Vars       Map[string]      `yaml:"vars" doc:"What expressions may read."`
	Source     source           `yaml:"source" doc:"Where records come from."`
	Define     Map[Expression]  `yaml:"define" doc:"Names for expressions."`
	Transforms []transform      `yaml:"transforms" doc:"What is done to each record."`
	Owners     ExpressionOrList `yaml:"owners" doc:"Who owns a record."`
	Loss       Share            `yaml:"max_loss" default:"20%" min:"0%" max:"50%" doc:"How much may go."`
	Shape      shape            `yaml:"shape" doc:"A type with a shape of its own."`
	Rest       *Node            `yaml:"rest" doc:"Left as it is."`
}

type source struct {
	Connection `yaml:",inline"`
	URL        string          `yaml:"url" required:"true" doc:"The address of the API."`
	Mirror     string          `yaml:"mirror" doc:"Another address."`
	PageSize   int             `yaml:"page_size" default:"500" min:"1" max:"10000" doc:"Entities a page."`
	Ratio      float64         `yaml:"ratio" default:"0.5" doc:"A number."`
	Mode       string          `yaml:"mode" default:"fast" enum:"fast|careful" doc:"How to read."`
	Batch      Bytes           `yaml:"batch" default:"4MiB" min:"1KB" doc:"Bytes a batch."`
	Kinds      map[string]bool `yaml:"kinds" doc:"Which kinds are read."`
	Filters    []string        `yaml:"filters" doc:"What is asked for."`
	Plan       *plan           `yaml:"plan" doc:"An optional block."`
}

type Connection struct {
	Token   Secret            `yaml:"token" doc:"The bearer token."`
	Headers map[string]Secret `yaml:"headers" doc:"Headers of a proxy."`
	Timeout Duration          `yaml:"timeout" default:"60s" min:"1s" doc:"How long an attempt may take."`
	Verify  *bool             `yaml:"verify" default:"true" doc:"Whether certificates are checked."`
}

type plan struct {
	Window Duration `yaml:"window" default:"1h" doc:"How long."`
	Key    Secret   `yaml:"key" required:"true" doc:"A key."`
}

type transform struct {
	Name string     `yaml:"name" doc:"Its name."`
	Keep Expression `yaml:"keep" required:"true" doc:"What is kept."`
}

// shape is one text or a list of them.
type shape struct{ texts []string }

func (s *shape) DecodeNode(n *Node, d *Decoder) {
	for _, e := range n.Entries() {
		d.UnknownKey(e, []string{"one", "many"})
	}
	for _, item := range n.Items() {
		if text, ok := d.Text(item); ok {
			s.texts = append(s.texts, text)
		}
	}
	if n.Kind() == Scalar {
		if text, ok := d.Text(n); ok {
			s.texts = append(s.texts, text)
		}
	}
}

func (s shape) MarshalJSON() ([]byte, error) { return codec.Marshal(s.texts) }

func (s *shape) DescribeConfig() Field { return Field{Type: "text or list of text"} }

func (c *Connection) Validate(report func(field, code, message, hint string)) {
	if c.Timeout > Duration(time.Hour) {
		report("timeout", "slow", "this takes too long", "")
	}
}

func (s *source) Validate(report func(field, code, message, hint string)) {
	if !strings.HasPrefix(s.URL, "http") {
		report("url", "not-a-url", "the address does not start with http", "write https://…")
	}
	if s.URL == s.Mirror {
		report("mirror url", "same-address", "mirror and url are the same address", "remove one")
	}
	if s.PageSize == 13 {
		report("", "unlucky", "this combination is unlucky", "")
	}
}

func TestSpec(t *testing.T) {
	if err := CheckSpec(&pipeline{}); err != nil {
		t.Error(err)
	}
	for want, spec := range map[string]any{
		"yaml tag": &struct{ A int }{},
		"doc tag": &struct {
			A int `yaml:"a"`
		}{},
		"declared twice": &struct {
			A, B int `yaml:"a" doc:"x"`
		}{},
		"default": &struct {
			A int `yaml:"a" default:"x" doc:"x"`
		}{},
		"bound": &struct {
			A Bytes `yaml:"a" max:"1" doc:"x"`
		}{},
		"cannot be": &struct {
			A uint8 `yaml:"a" doc:"x"`
		}{},
		"keys of a map": &struct {
			A map[int]string `yaml:"a" doc:"x"`
		}{},
		"enum": &struct {
			A int `yaml:"a" enum:"1|2" doc:"x"`
		}{},
		"has no default": &struct {
			A int `yaml:"a" required:"true" default:"1" doc:"x"`
		}{},
		"b: the doc tag": &struct {
			A []struct {
				B int `yaml:"b"`
			} `yaml:"a" doc:"x"`
		}{},
	} {
		if err := CheckSpec(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
