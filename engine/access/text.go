package access

import (
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
)

// AudienceText is an audience as a Change has it.
func AudienceText(class string, names []uint64) string {
	if len(names) == 0 {
		return class
	}
	return class + ":" + fault.HexID(codec.Hash([]byte(NamesText(names))))
}

// Class is the class of an audience that AudienceText made.
func Class(audience string) string {
	class, _, _ := strings.Cut(audience, ":")
	return class
}

// NamesText writes hashes as hexadecimal numbers with a space between them.
func NamesText(names []uint64) string {
	b := make([]byte, 0, 17*len(names))
	for i, n := range names {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendUint(b, n, 16)
	}
	return string(b)
}
