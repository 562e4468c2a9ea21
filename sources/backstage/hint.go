package backstage

import (
	"fmt"
	"regexp"

	"github.com/pipe-engine/pipe/engine/component"
)

var _ component.Hinter = (*Model)(nil)

// dottedKey is a key of annotations or labels that was written like a name.
var dottedKey = regexp.MustCompile(`metadata\??\.(annotations|labels)\??\.` +
	`([A-Za-z0-9_]+[-./][A-Za-z0-9_./-]*[A-Za-z0-9_])`)

// Hint writes dotted keys of annotations and labels in brackets.
func (*Model) Hint(expression string) string {
	m := dottedKey.FindStringSubmatch(expression)
	if m == nil {
		return ""
	}
	return fmt.Sprintf("a key with a dot, a dash or a slash needs brackets: metadata.%s[%q]", m[1], m[2])
}
