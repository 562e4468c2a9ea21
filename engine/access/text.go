package access

import (
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
)

// AudienceText returns an audience in the form of Change.
func AudienceText(class string, names []uint64) string {
	if len(names) == 0 {
		return class
	}
	return class + ":" + fault.HexID(codec.Hash([]byte(NamesText(names))))
}

// Class returns the class of a text that AudienceText returned.
func Class(audience string) string {
	class, _, _ := strings.Cut(audience, ":")
	return class
}

// NamesText returns hashes as hexadecimal numbers separated by spaces.
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
