package state

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
)

// AudienceText is an audience as a Change has it.
func AudienceText(class string, names []uint64) string {
	if len(names) == 0 {
		return class
	}
	return class + ":" + fault.HexID(codec.Hash([]byte(namesText(names))))
}

// Class is the class of an audience that AudienceText made.
func Class(audience string) string {
	class, _, _ := strings.Cut(audience, ":")
	return class
}
