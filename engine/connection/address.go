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

// encryptRemedy is the remedy of an address that credentials are not sent to.
const encryptRemedy = "write https://; on a network that you trust, set insecure_http: true"

// ValidateEncryption reports an address to which credentials would be sent unencrypted without
// insecure_http. Components call it in their Validate; token is the one of Settings.Token.
func (c Config) ValidateEncryption(field, address string, token config.Secret,
	report func(field, code, message, hint string)) {
	if c.sendsPlain(address, token) && !c.InsecureHTTP {
		report(field, codeConnection, "the address starts with http: the credentials would be sent unencrypted",
			encryptRemedy)
	}
}

// CautionAddress warns of credentials that insecure_http sends unencrypted.
func (c Config) CautionAddress(field, address string, token config.Secret,
	report func(field, code, message, hint string)) {
	if c.sendsPlain(address, token) && c.InsecureHTTP {
		report(field, codeConnection, "insecure_http is true: the credentials are sent unencrypted",
			"write https:// where the server has it")
	}
}

// sendsPlain reports whether requests to an address send credentials unencrypted to another machine.
func (c Config) sendsPlain(address string, token config.Secret) bool {
	u, err := url.Parse(address)
	return err == nil && isPlain(u) && (token.IsGiven() || len(c.Auth) > 0 || len(c.Headers) > 0)
}

// isPlain reports whether requests to an address leave this machine unencrypted.
func isPlain(u *url.URL) bool {
	return u.Scheme == "http" && u.Hostname() != "" && !auth.IsLoopback(u.Hostname())
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
