package connection

import (
	"net/url"
	"slices"
	"strings"
)

// BelowAPI reports whether the path of an address has the segment api, where the API
// of a server begins, and whether one of the given words follows it: then it is a copy
// of the address of a request, and no server answers below it.
func BelowAPI(address string, words ...string) (below, request bool) {
	u, err := url.Parse(address)
	if err != nil {
		return false, false
	}
	segments := strings.Split(strings.ToLower(strings.Trim(u.Path, "/")), "/")
	i := slices.Index(segments, "api")
	if i < 0 {
		return false, false
	}
	return true, i+1 < len(segments) && slices.Contains(words, segments[i+1])
}
