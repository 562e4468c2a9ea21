package connection

import (
	"net/url"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection/auth"
)

// ValidateAddress reports the address of a server that no pipeline file may name: a
// link-local one, where the metadata servers of clouds are.
func ValidateAddress(field, address string, report func(field, code, message, hint string)) {
	if u, err := url.Parse(address); err == nil && auth.IsMetadata(u.Hostname()) {
		report(field, codeConnection, "the address is link-local, where cloud metadata servers are",
			"write the address of the server")
	}
}

// CautionAddress warns of credentials that anyone on the way to an address can read.
func (c Config) CautionAddress(field, address string, token config.Secret,
	report func(field, code, message, hint string)) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" || auth.IsLoopback(u.Hostname()) {
		return
	}
	if token.IsSet() || len(c.Auth) > 0 || len(c.Headers) > 0 {
		report(field, codeConnection, "the address starts with http: the credentials are sent unencrypted",
			"write https://, unless the network between is private")
	}
}

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
