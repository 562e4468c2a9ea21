package engine

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
)

// cuts counts the items with a field that was cut, by stream and field.
type cuts map[string]*examples

func (c cuts) add(stream string, e *component.Encoded) {
	for _, field := range e.Cut {
		name := stream + "." + field
		if c[name] == nil {
			c[name] = &examples{why: name}
		}
		c[name].add(e.Ref)
	}
}

// note is a sentence about all of them, "" when nothing was cut.
func (c cuts) note() string {
	var parts []string
	for _, name := range sortedKeys(c) {
		parts = append(parts, fmt.Sprintf("%s in %d (%s)", name, c[name].n, c[name].list()))
	}
	if len(parts) == 0 {
		return ""
	}
	return "cut, because they are longer than the limits of their fields: " + strings.Join(parts, "; ")
}
