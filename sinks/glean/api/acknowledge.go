package api

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
)

// acknowledgeRemedy is what to do about an answer that is not Glean's.
const acknowledgeRemedy = "check which server answers at this address: it may be a proxy, a gateway or another " +
	"service. Glean acknowledges with 200 and an empty body"

// complaints are the members of an answer that reports a problem.
var complaints = []string{"error", "errors", "message", "detail", "code", "status"}

// Acknowledged reports why an answer with a status of 200 to 299 is not an
// acknowledgement by Glean, which is 200 with an empty body or with a JSON object
// that has no member of complaints and no `success` but true. An answer that
// was cut off is Transient, any other Permanent.
func Acknowledged(status int, body []byte) error {
	not := func(class fault.Class, why string) error {
		return fault.Errorf(class, acknowledgeRemedy, "the response is not an acknowledgement by Glean: %s", why)
	}
	body = bytes.TrimSpace(body)
	switch {
	case status != http.StatusOK:
		return not(fault.Permanent, "only 200 is one")
	case len(body) == 0:
		return nil
	case body[0] != '{':
		return not(fault.Permanent, "it is not a JSON object")
	}
	answer, err := codec.DecodeStrict(body)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return not(fault.Transient, "its JSON ends early")
	case err != nil:
		return not(fault.Permanent, "its JSON is malformed, repeats a name or is followed by something else")
	}
	for _, name := range slices.Sorted(maps.Keys(answer)) {
		switch word := strings.ToLower(name); {
		case slices.Contains(complaints, word):
			return not(fault.Permanent, "it has `"+word+"`")
		case word == "success" && answer[name] != true:
			return not(fault.Permanent, "its `success` is not true")
		}
	}
	return nil
}
