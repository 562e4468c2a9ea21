package backstage

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/expression"
)

// location implements the function location.
func location(_ expression.Context, args []any) (any, error) {
	of, ok, err := text(args[0], "the location")
	if !ok || err != nil {
		return nil, err
	}
	return orNil(addressOf(of)), nil
}

// addressOf returns the address or path in a location, "" when it has none. What may
// hold a secret is cut off: user and password, query, fragment.
func addressOf(location string) string {
	location = strings.TrimSpace(location)
	if of, rest, ok := strings.Cut(location, ":"); ok && isLocationType(of) && !strings.HasPrefix(rest, "//") {
		if location = strings.TrimSpace(rest); !strings.Contains(location, "://") {
			return ""
		}
	}
	if end := strings.IndexAny(location, "?#"); end >= 0 {
		location = location[:end]
	}
	scheme, rest, ok := strings.Cut(location, "://")
	if !ok {
		return location
	}
	authority, path := rest, ""
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		authority, path = rest[:slash], rest[slash:]
	}
	return scheme + "://" + authority[strings.LastIndexByte(authority, '@')+1:] + path
}

// isLocationType reports what may be the type in type:target, such as url, file or
// github-org.
func isLocationType(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}
