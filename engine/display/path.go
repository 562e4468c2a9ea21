package display

import (
	"fmt"
	"strings"
)

// Path joins the names of a field's path with dots. Names that contain a space, a dot or a
// quotation mark are quoted.
func Path(names []string) string {
	out := make([]string, len(names))
	for i, s := range names {
		out[i] = s
		if s == "" || strings.ContainsAny(s, ` ."`) {
			out[i] = fmt.Sprintf("%q", s)
		}
	}
	return strings.Join(out, ".")
}
