package auth

import (
	"net/netip"
	"net/url"
	"strings"
)

// validateEndpoint reports an address that no credential may be sent to.
func validateEndpoint(field, address string, report func(field, code, message, hint string)) {
	if address == "" {
		return
	}
	if message, hint := endpointProblem(address); message != "" {
		report(field, codeConnection, message, hint)
	}
}

// endpointProblem is what is wrong with the address of an endpoint that gets a credential:
// it is not https, unless it is of this machine, or it is that of a metadata server. It
// quotes no part of the address.
func endpointProblem(address string) (message, hint string) {
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return "not an address", "write https:// and a host, as https://login.example.com"
	case u.User != nil:
		return "the address contains a user name or password", "write it without; credentials have keys of their own"
	case IsMetadata(u.Hostname()):
		return "the address is link-local, where cloud metadata servers are",
			"write the address of the identity provider"
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		return "the address starts with http: the credentials would be sent unencrypted", "write https://"
	}
	return "", ""
}

// IsMetadata reports whether a host is written as a link-local address, or is one of the
// names and addresses of a cloud's metadata server. No address of a pipeline file may be.
func IsMetadata(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "metadata.google.internal" || host == "metadata" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && IsMetadataAddress(a)
}

// metadataAddresses are those of metadata servers that are not link-local: AWS by IPv6,
// Alibaba Cloud, and Azure's host agent.
var metadataAddresses = []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200"),
	netip.MustParseAddr("168.63.129.16")}

// IsMetadataAddress is IsMetadata for an address that a name was resolved to. An IPv6 address
// that a gateway translates counts as the IPv4 address in it.
func IsMetadataAddress(a netip.Addr) bool {
	a = translated(a.WithZone("").Unmap())
	if a.IsLinkLocalUnicast() {
		return true
	}
	for _, m := range metadataAddresses {
		if a == m {
			return true
		}
	}
	return false
}

// translated returns the IPv4 address in an address of NAT64, 6to4 or the deprecated
// IPv4-compatible form, and a itself otherwise.
func translated(a netip.Addr) netip.Addr {
	b := a.As16()
	switch {
	case a.Is4():
	case nat64.Contains(a), compatible.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	compatible = netip.MustParsePrefix("::/96")
)

// IsLoopback reports whether a host names this machine: localhost, or a loopback address. Only
// there may a credential be sent without encryption.
func IsLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

// hostOf is the host of an address, for errors.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "the identity provider"
	}
	return u.Host
}
