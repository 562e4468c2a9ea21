package host

import (
	"encoding/hex"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
)

// Config is the block of a plugin.
type Config struct {
	Command         Command         `yaml:"command" required:"true" doc:"The plugin's file, relative to the pipeline file or absolute; a list adds arguments."`
	SHA256          Sums            `yaml:"sha256" doc:"The checksum of the plugin's file; a list, in order, when the command names several files."`
	Config          config.Data     `yaml:"config" doc:"The plugin's own configuration, checked against its schema."`
	Env             Names           `yaml:"env" doc:"The environment variables that it gets in addition to PATH and HOME."`
	Timeout         config.Duration `yaml:"timeout" default:"30s" min:"10ms" max:"1h" doc:"How long it may take for a batch."`
	Batch           int             `yaml:"batch" default:"200" min:"1" max:"10000" doc:"How many records it gets in one call."`
	OnError         string          `yaml:"on_error" default:"fail" enum:"fail|reject|pass" doc:"What happens to records that it cannot transform: fail ends the run, reject rejects them, pass leaves them unchanged."`
	MayChangeAccess bool            `yaml:"may_change_access" default:"false" doc:"Whether it may write fields that permission rules read."`
}

// What on_error can say.
const (
	onErrorFail   = "fail"
	onErrorReject = "reject"
	onErrorPass   = "pass"
)

// Names are names of variables.
type Names []string

var (
	_ config.Decodable = (*Names)(nil)
	_ config.Described = (*Names)(nil)
)

// DecodeNode reports what is not a name, and a variable that a connection has as its secret.
func (v *Names) DecodeNode(n *config.Node, d *config.Decoder) {
	d.Decode(n, (*[]string)(v))
	for i, name := range *v {
		at := n
		if i < len(n.Items()) {
			at = n.Items()[i]
		}
		switch {
		case d.Unresolved(at):
		case name == "" || strings.ContainsAny(name, "= \t\n\x00"):
			d.Problem(at, "invalid-value", "env lists the names of variables",
				"write names alone, as HTTPS_PROXY; a value is set in the environment of pipe")
		case d.Owns(name):
			d.Problem(at, "secret", "a plugin does not get the secret of a connection", "give the plugin a secret of its own")
		}
	}
}

// DescribeConfig is a list of texts.
func (*Names) DescribeConfig() config.Field { return config.DescribeType(&[]string{}) }

// Command is a program and its arguments.
type Command []string

var _ config.Decodable = (*Command)(nil)

// DecodeNode reads a path, or a list of a path and arguments.
func (c *Command) DecodeNode(n *config.Node, d *config.Decoder) {
	*c = Command(textOrList(n, d))
	if len(*c) > 0 && (*c)[0] == "" && !d.Unresolved(n) {
		d.Problem(n, "required", "the command names no file", "write the path of the plugin's file")
	}
}

// DescribeConfig is a path, or a list.
func (c *Command) DescribeConfig() config.Field { return textOrListField() }

// Sums are SHA-256 checksums in hexadecimal.
type Sums []string

var _ config.Decodable = (*Sums)(nil)

// DecodeNode reads a checksum, or a list of them.
func (s *Sums) DecodeNode(n *config.Node, d *config.Decoder) {
	for _, text := range textOrList(n, d) {
		sum := strings.ToLower(strings.TrimSpace(text))
		if raw, err := hex.DecodeString(sum); (err != nil || len(raw) != 32) && !d.Unresolved(n) {
			d.Problem(n, "invalid-value", "this is not a SHA-256 checksum", "write the 64 digits that `sha256sum FILE` prints")
			return
		}
		*s = append(*s, sum)
	}
}

// DescribeConfig is a checksum, or a list.
func (s *Sums) DescribeConfig() config.Field { return textOrListField() }

func textOrListField() config.Field { return config.Field{Type: "text or list of text"} }

func textOrList(n *config.Node, d *config.Decoder) []string {
	if n.Kind() == config.List {
		var list []string
		d.Decode(n, &list)
		return list
	}
	var text string
	d.Decode(n, &text)
	return []string{text}
}
