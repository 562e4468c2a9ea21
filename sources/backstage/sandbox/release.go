package sandbox

import (
	"fmt"
	"strconv"
	"strings"
)

// release is the minor number of a Backstage 1.x; its methods name the differences between
// releases.
type release int

const newest release = 55

// First releases with a parameter of by-query.
const (
	firstByQuery    release = 12
	firstOffset     release = 31
	firstTotalItems release = 52
)

func parseRelease(version string) (release, error) {
	if version == "" {
		return newest, nil
	}
	minor, ok := strings.CutPrefix(version, "1.")
	n, err := strconv.Atoi(minor)
	if !ok || err != nil || release(n) < firstByQuery {
		return 0, fmt.Errorf("backstage version %q: give 1.%d or later, such as 1.%d", version, firstByQuery, newest)
	}
	return release(n), nil
}

// relationTargets reports whether relations have the compound target in addition to
// targetRef, as before 1.41.
func (r release) relationTargets() bool { return r < 41 }

// knows reports whether by-query accepts the parameter; it refuses all others.
func (r release) knows(parameter string) bool {
	switch parameter {
	case "filter", "fields", "limit", "orderField", "cursor":
		return true
	case "offset":
		return r >= firstOffset
	case "totalItems":
		return r >= firstTotalItems
	}
	return false
}
