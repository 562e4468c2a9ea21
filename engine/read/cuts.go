package read

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

// cuts counts the items with a field that was cut, by stream and field.
type cuts map[string]*display.Examples

func (c cuts) add(stream string, e *component.Encoded) {
	for _, field := range e.Cut {
		name := stream + "." + field
		if c[name] == nil {
			c[name] = &display.Examples{Why: name}
		}
		c[name].Add(e.Ref)
	}
}

// note returns a sentence about all cut fields; "" when nothing was cut.
func (c cuts) note() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		parts = append(parts, fmt.Sprintf("%s in %d (%s)", name, c[name].N, c[name].String()))
	}
	if len(parts) == 0 {
		return ""
	}
	return "cut to the length limits of their fields: " + strings.Join(parts, "; ")
}
