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

// addressOf returns the address or path in a location, "" when it has none. Parts that may
// contain a secret are removed: user and password, query, fragment.
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
	if ok {
		scheme += "://"
	} else {
		scheme, rest = "", location
		if strings.HasPrefix(rest, "//") {
			scheme, rest = "//", rest[2:]
		}
	}
	authority, path := rest, ""
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		authority, path = rest[:slash], rest[slash:]
	}
	user, host, signIn := cutLast(authority, '@')
	if signIn && (scheme != "" || strings.Contains(user, ":")) { // git@host:path has no password
		authority = host
	}
	return scheme + authority + path
}

// cutLast is strings.Cut at the last sep.
func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// isLocationType reports whether a text may be the type in type:target, such as url, file or
// github-org.
func isLocationType(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}
