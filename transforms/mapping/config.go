package mapping

import (
	"github.com/pipe-engine/pipe/engine/config"
)

// Config is the mapping block: for each stream of the sink one mapping, or a list of them;
// the first whose condition holds takes the record.
type Config = config.Map[Mappings]

// Mappings are the mappings of one stream.
type Mappings []placed

// placed is a mapping with its position.
type placed struct {
	Mapping
	node *config.Node
}

// noMapping is the name under which unmapped records are counted.
const noMapping = "no mapping"

// Mapping makes an item of each record it takes.
type Mapping struct {
	When      config.Expression `yaml:"when" doc:"The records that it takes; by default every record."`
	Otherwise string            `yaml:"otherwise" doc:"The name under which records of its kinds are counted as filtered if no mapping takes them." default:"no mapping"`
	Fields    config.Map[Value] `yaml:"fields" required:"true" doc:"The sink's fields, each with an expression or a literal list."`
}

// DecodeNode reads one mapping or a list of them.
func (m *Mappings) DecodeNode(n *config.Node, d *config.Decoder) {
	items := []*config.Node{n}
	if n.Kind() == config.List {
		if items = n.Items(); len(items) == 0 {
			d.Problem(n, "required", "the list of mappings is empty", "add a mapping, or leave the stream out")
		}
	}
	for _, item := range items {
		one := placed{node: item}
		d.Decode(item, &one.Mapping)
		*m = append(*m, one)
	}
}

// DescribeConfig is one mapping or a list of them.
func (m *Mappings) DescribeConfig() config.Field {
	return config.Field{Type: "mapping or list of mapping", Fields: config.Describe(&Mapping{})}
}

// Value is the value of a field: an expression, a literal list, or for a field of properties
// a map of them.
type Value struct {
	config.ExpressionOrList
	Properties config.Map[config.ExpressionOrList]
	IsMap      bool
	node       *config.Node // nil when the value could not be read
}

// DescribeConfig is every shape that the field of some stream has.
func (v *Value) DescribeConfig() config.Field {
	return config.Field{Type: "expression or list or map of expression or list"}
}

// DecodeNode reads a scalar, a list or a map.
func (v *Value) DecodeNode(n *config.Node, d *config.Decoder) {
	v.node = n
	if n.Kind() == config.Mapping {
		v.IsMap = true
		d.Decode(n, &v.Properties)
		return
	}
	v.ExpressionOrList.DecodeNode(n, d)
}
