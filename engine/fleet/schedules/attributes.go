package schedules

import (
	"context"
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"

	"github.com/pipe-engine/pipe/engine/fleet/workflows"
)

// Operator is the part of the operator service that search attributes need.
type Operator interface {
	ListSearchAttributes(ctx context.Context, namespace string) (map[string]enumspb.IndexedValueType, error)
	AddSearchAttributes(ctx context.Context, namespace string, all map[string]enumspb.IndexedValueType) error
}

// Attributes are the search attributes that a namespace lacks.
type Attributes struct {
	Missing []string `json:"missing,omitempty"`
	// Why is why they cannot be used; "" when they all are there, or can be registered.
	Why string `json:"why,omitempty"`
	// Command registers them.
	Command string `json:"command,omitempty"`
}

// Present reports whether workflows can use the search attributes.
func (a Attributes) Present() bool { return len(a.Missing) == 0 && a.Why == "" }

// Register registers the search attributes that the namespace lacks, unless dry is set. When it is not
// allowed to, the result has the command for someone who is; the fleet works without them.
func Register(ctx context.Context, o Operator, namespace string, dry bool) Attributes {
	out := Attributes{}
	has, err := o.ListSearchAttributes(ctx, namespace)
	if err != nil {
		return Attributes{Why: "they cannot be listed: " + err.Error(), Command: command(namespace,
			workflows.Attributes())}
	}
	wanted := map[string]enumspb.IndexedValueType{}
	for _, name := range workflows.Attributes() {
		switch kind, there := has[name]; {
		case !there:
			out.Missing = append(out.Missing, name)
			wanted[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
		case kind != enumspb.INDEXED_VALUE_TYPE_KEYWORD:
			out.Why = fmt.Sprintf("%s has the type %s, not Keyword", name, kind)
		}
	}
	switch {
	case out.Why != "": // more of them would not help
		return Attributes{Why: out.Why}
	case len(wanted) == 0 || dry:
		return out
	}
	if err := o.AddSearchAttributes(ctx, namespace, wanted); err != nil {
		out.Why, out.Command = "they cannot be registered: "+err.Error(), command(namespace, out.Missing)
		return out
	}
	return Attributes{}
}

// command returns the command that registers search attributes.
func command(namespace string, names []string) string {
	var words []string
	for _, name := range names {
		words = append(words, fmt.Sprintf("--name %s --type Keyword", name))
	}
	return "temporal operator search-attribute create --namespace " + namespace + " " + strings.Join(words, " ")
}

// OperatorOf returns the operator service of a connection.
func OperatorOf(c operatorservice.OperatorServiceClient) Operator { return operator{c} }

type operator struct {
	c operatorservice.OperatorServiceClient
}

func (o operator) ListSearchAttributes(
	ctx context.Context, namespace string,
) (map[string]enumspb.IndexedValueType, error) {
	answer, err := o.c.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	return answer.GetCustomAttributes(), err
}

func (o operator) AddSearchAttributes(
	ctx context.Context, namespace string, all map[string]enumspb.IndexedValueType,
) error {
	_, err := o.c.AddSearchAttributes(ctx,
		&operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: all})
	return err
}
