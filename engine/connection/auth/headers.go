package auth

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

const (
	authorization      = "Authorization"
	proxyAuthorization = "Proxy-Authorization"
)

// codeConnection is the code of the problems of this package.
const codeConnection = "connection"

// reserved are the headers that the connection itself decides.
var reserved = []string{
	"Accept", "Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type",
	"Expect", "Host", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
}

// nameProblem is what is wrong with the name of a header, "" when nothing is.
func nameProblem(name string) (message, hint string) {
	key := http.CanonicalHeaderKey(name)
	switch {
	case !validName(name):
		return fmt.Sprintf("%q is not a header name", name), "use letters, digits and hyphens"
	case slices.Contains(reserved, key):
		return key + " cannot be set here", "pipe sets this header; remove the line"
	}
	return "", ""
}

// ValidateHeaders reports what is wrong with the names under headers.
func ValidateHeaders(headers map[string]config.Secret, report func(field, code, message, hint string)) {
	seen := map[string]string{}
	for _, name := range sortedNames(headers) {
		key := http.CanonicalHeaderKey(name)
		message, hint := nameProblem(name)
		if message == "" && seen[key] != "" {
			message, hint = fmt.Sprintf("%q and %q are the same header", seen[key], name), "remove one of the two"
		}
		if message != "" {
			report("headers", codeConnection, message, hint)
		}
		seen[key] = name
	}
}

func sortedNames(headers map[string]config.Secret) []string {
	return slices.Sorted(maps.Keys(headers))
}

// validName reports whether name is a token of RFC 9110.
func validName(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}) < 0
}

// valueFault is the error of a value that cannot be sent in a header, nil when it can.
func valueFault(value string) error {
	if strings.IndexFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) < 0 {
		return nil
	}
	return fault.Errorf(fault.Fatal, "remove line breaks and other control characters from it",
		"it cannot be sent in a header")
}
